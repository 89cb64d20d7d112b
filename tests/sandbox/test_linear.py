"""Perpetuals by example: positions, margin, funding, liquidation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.exchange import Exchange
from sandbox.engine.linear import Holding
from sandbox.engine.types import (
    LINEAR,
    BalanceUpdate,
    ExecType,
    IncomeKind,
    NewOrder,
    OrderType,
    OrderUpdate,
    Position,
    PositionUpdate,
    Side,
    Status,
    TimeInForce,
)
from sandbox.errors import ExchangeError
from sandbox.market.calendar import FUNDING_NS
from tests.sandbox.driver import SECOND, UNIT, exchange

SYMBOL = "BTCUSDT"
BUY, SELL = Side.BUY, Side.SELL
WALLET = 100_000 * UNIT


@pytest.fixture
def venue() -> Exchange:
    return exchange()


def order(side: Side, qty: int = 0, price: int = 0, kind: OrderType | None = None, **more: object) -> NewOrder:
    kind = kind or (OrderType.LIMIT if price else OrderType.MARKET)
    return NewOrder(symbol=SYMBOL, side=side, type=kind, qty=qty, price=price, **more)  # type: ignore[arg-type]


def position(venue: Exchange, account: str = "ann") -> Position:
    return venue.account(account, LINEAR).positions[0]


def refusal(venue: Exchange, new: NewOrder, account: str = "ann") -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        venue.submit(account, LINEAR, new)
    return caught.value


@given(trades=st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(900, 1_100)), max_size=30))
def test_a_holding_is_its_cash_flow(trades: list[tuple[int, int]]) -> None:
    """Profit taken less open cost is what selling brought less what buying took, to the last unit."""
    holding, taken, cash = Holding(), 0, 0
    for qty, price in trades:
        quote = abs(qty) * price
        taken += holding.trade(qty, quote)
        cash += quote if qty < 0 else -quote
        assert taken - holding.cost == cash
        assert (holding.qty > 0) == (holding.cost > 0)
        assert holding.qty or not holding.cost
    assert holding.qty == sum(qty for qty, _ in trades)


def test_open_reduce_flip_close(venue: Exchange) -> None:
    bought, events = venue.submit("ann", LINEAR, order(BUY, 100))
    spec = venue.specs[LINEAR, SYMBOL]
    assert position(venue).qty == 100
    assert position(venue).cost == bought.quote_filled
    assert position(venue).entry(spec) == bought.quote_filled * 10**11 // (100 * UNIT)
    fee = sum(fill.fee for fill in venue.fills("ann", LINEAR, SYMBOL))
    assert fee == -(-bought.quote_filled * 500 // 1_000_000)
    assert venue.account("ann", LINEAR).wallet == WALLET - fee
    kinds = [type(event) for event in events]
    assert kinds[-3:] == [OrderUpdate, BalanceUpdate, PositionUpdate]
    sold, _ = venue.submit("ann", LINEAR, order(SELL, 250))
    assert position(venue).qty == -150
    closing = [fill for fill in venue.fills("ann", LINEAR, SYMBOL) if fill.order_id == sold.id]
    profit = sum(fill.realized for fill in closing)
    assert profit < 0   # the spread was paid twice
    venue.submit("ann", LINEAR, order(BUY, 150, reduce_only=True))
    assert position(venue).qty == 0
    assert position(venue).cost == 0
    wallet = venue.account("ann", LINEAR).wallet
    assert wallet == sum(income.amount for income in venue.income("ann"))
    assert {income.kind for income in venue.income("ann")} == {
        IncomeKind.TRANSFER, IncomeKind.COMMISSION, IncomeKind.REALIZED_PNL}


def test_margin_is_what_leverage_says(venue: Exchange) -> None:
    bid = venue.depth(LINEAR, SYMBOL).bids[0][0]
    assert venue.set_leverage("ann", SYMBOL, 10) == 10_000_000 * UNIT
    price = bid - 5_000
    venue.submit("ann", LINEAR, order(BUY, 1_000, price))
    view = venue.account("ann", LINEAR)
    assert view.order_margin == 1_000 * price * 10_000 // 10
    assert view.available == WALLET - view.order_margin
    # Margin for the other side comes with it as far as both could not fill.
    venue.submit("ann", LINEAR, order(SELL, 1_000, bid + 5_000))
    assert venue.account("ann", LINEAR).order_margin == 1_000 * (bid + 5_000) * 10_000 // 10
    assert refusal(venue, order(BUY, 25_000)).code == -2019
    assert refusal(venue, order(BUY, 25_000, price)).code == -2019
    with pytest.raises(ExchangeError, match="-2019"):
        venue.set_leverage("bob", SYMBOL, 1) and venue.deposit("ann", LINEAR, "USDT", -WALLET)
    with pytest.raises(ExchangeError, match="-4028"):
        venue.set_leverage("ann", SYMBOL, 126)
    venue.cancel_all("ann", LINEAR, SYMBOL)
    assert venue.account("ann", LINEAR).available == WALLET


def test_reduce_only_never_opens(venue: Exchange) -> None:
    bid, ask = venue.depth(LINEAR, SYMBOL).bids[0][0], venue.depth(LINEAR, SYMBOL).asks[0][0]
    assert refusal(venue, order(SELL, 100, reduce_only=True)).code == -2022
    venue.submit("ann", LINEAR, order(BUY, 100))
    assert refusal(venue, order(BUY, 100, reduce_only=True)).code == -2022
    resting, _ = venue.submit("ann", LINEAR, order(SELL, 100, ask + 5_000, reduce_only=True))
    more, _ = venue.submit("ann", LINEAR, order(SELL, 300, reduce_only=True))
    assert (more.filled, more.status) == (100, Status.EXPIRED)
    assert position(venue).qty == 0
    assert resting.status is Status.EXPIRED
    assert bid


def test_post_only_and_filters(venue: Exchange) -> None:
    bid, ask = venue.depth(LINEAR, SYMBOL).bids[0][0], venue.depth(LINEAR, SYMBOL).asks[0][0]
    mark = venue.mark(SYMBOL).mark
    cases = {
        -5022: order(BUY, 100, ask, tif=TimeInForce.GTX),
        -4164: order(BUY, 1, bid),
        -4016: order(BUY, 100, mark * 106 // 100),
        -4024: order(SELL, 100, mark * 94 // 100),
        -4005: order(BUY, 10**9, bid),
        -2021: order(SELL, 100, stop_price=mark * 2, kind=OrderType.STOP_MARKET),
        -1116: order(BUY, 100, bid, OrderType.LIMIT_MAKER),
        -1128: order(BUY, 100, bid, close_position=True),
    }
    for code, new in cases.items():
        assert refusal(venue, new).code == code
    venue.submit("ann", LINEAR, order(BUY, 100, bid, tif=TimeInForce.GTX, client_id="a"))
    assert refusal(venue, order(BUY, 100, bid, client_id="a")).code == -4116


def test_modify_keeps_its_place_only_when_made_smaller(venue: Exchange) -> None:
    bid = venue.depth(LINEAR, SYMBOL).bids[0][0]
    first, _ = venue.submit("ann", LINEAR, order(BUY, 100, bid - 500))
    second, _ = venue.submit("bob", LINEAR, order(BUY, 100, bid - 500))
    ladder = venue.venue.floors[LINEAR, SYMBOL].book.bids
    changed, events = venue.modify("ann", SYMBOL, side=BUY, qty=50, price=bid - 500, order_id=first.id)
    assert changed is first
    assert [event.exec_type for event in events if isinstance(event, OrderUpdate)] == [ExecType.AMENDMENT]
    assert ladder.orders() == [first, second]
    venue.modify("ann", SYMBOL, side=BUY, qty=150, price=bid - 500, order_id=first.id)
    assert ladder.orders() == [second, first]
    assert first.locked == 150 * (bid - 500) * 10_000
    with pytest.raises(ExchangeError, match="-5027"):
        venue.modify("ann", SYMBOL, side=BUY, qty=150, price=bid - 500, order_id=first.id)
    with pytest.raises(ExchangeError, match="-2013"):
        venue.modify("ann", SYMBOL, side=SELL, qty=150, price=bid - 400, order_id=first.id)
    with pytest.raises(ExchangeError, match="-2019"):
        venue.modify("ann", SYMBOL, side=BUY, qty=100_000, price=bid - 500, order_id=first.id)
    ask = venue.depth(LINEAR, SYMBOL).asks[0][0]
    venue.modify("ann", SYMBOL, side=BUY, qty=150, price=ask + 1_000, order_id=first.id)
    assert first.status is Status.FILLED
    assert first.locked == 0


def test_a_closing_stop_takes_whatever_the_position_is_by_then(venue: Exchange) -> None:
    venue.submit("ann", LINEAR, order(BUY, 100))
    last = venue.last_price(LINEAR, SYMBOL)
    on_last, _ = venue.submit("ann", LINEAR, order(
        SELL, stop_price=last * 9_992 // 10_000, kind=OrderType.STOP_MARKET, close_position=True))
    on_mark, _ = venue.submit("ann", LINEAR, order(
        SELL, stop_price=last * 9_980 // 10_000, kind=OrderType.STOP_MARKET, close_position=True, on_mark=True))
    venue.submit("ann", LINEAR, order(BUY, 50))
    while on_last.is_open or on_mark.is_open:
        venue.advance(venue.now_ns + 60 * SECOND)
    assert on_last.filled == 150
    assert on_mark.status is Status.EXPIRED   # nothing was left to close
    assert position(venue).qty == 0


def test_funding_is_paid_at_mark_by_the_one_who_owes_it(venue: Exchange) -> None:
    venue.submit("ann", LINEAR, order(BUY, 100))
    venue.submit("bob", LINEAR, order(SELL, 100))
    wallets = {account: venue.account(account, LINEAR).wallet for account in ("ann", "bob")}
    coming = venue.mark(SYMBOL)
    assert coming.next_funding_ns % FUNDING_NS == 0
    events = venue.advance(coming.next_funding_ns)
    settled = venue.funding(SYMBOL, coming.next_funding_ns, coming.next_funding_ns + 1)[0]
    assert abs(int(settled["rate"]) - coming.rate) < 1_000   # two minutes before, the estimate is near
    owed = 100 * int(settled["mark"]) * 10_000 * int(settled["rate"])
    paid = {account: venue.account(account, LINEAR).wallet - wallets[account] for account in wallets}
    assert paid == {"ann": -owed // UNIT, "bob": owed // UNIT}
    told = [event for event in events if isinstance(event, BalanceUpdate) and event.reason == "FUNDING_FEE"]
    assert {event.account: event.deltas[0] for event in told} == paid
    assert venue.income("ann", kind=IncomeKind.FUNDING_FEE)[0].amount == paid["ann"]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_position_that_margin_no_longer_carries_is_closed(side: Side) -> None:
    venue = exchange(())
    venue.deposit("eve", LINEAR, "USDT", 1_000 * UNIT)
    venue.set_leverage("eve", SYMBOL, 125)
    mark = venue.mark(SYMBOL).mark
    qty = 1_000 * 110 * 10**8 // (mark * 10_000)
    venue.submit("eve", LINEAR, order(side, qty))
    resting, _ = venue.submit("eve", LINEAR, order(side, 3, mark * (97 if side is BUY else 103) // 100))
    trigger = position(venue, "eve").liquidation_price
    assert abs(trigger / mark - 1) < 0.02
    while position(venue, "eve").qty:
        venue.fast_forward(venue.now_ns + 3_600 * SECOND)
    closed = venue.orders("eve", LINEAR, SYMBOL)[-1]
    assert closed.client_id.startswith("autoclose-")
    fill, = venue.fills("eve", LINEAR, SYMBOL, order_id=closed.id)
    assert (fill.price <= trigger) if side is BUY else (fill.price >= trigger)
    assert resting.status is Status.EXPIRED
    assert venue.account("eve", LINEAR).wallet >= 0
    printed = venue.trades_from(LINEAR, SYMBOL, fill.trade_id, 1)[0]
    assert (printed["ts_ns"], printed["price"], printed["qty"]) == (fill.ts_ns, fill.price, qty)

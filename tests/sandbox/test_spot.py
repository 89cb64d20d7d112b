"""Spot orders by example: money, fees, filters, life cycle."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sandbox.engine.background import LIFE_NS
from sandbox.engine.exchange import Exchange
from sandbox.engine.types import (
    SPOT,
    BalanceUpdate,
    ExecType,
    NewOrder,
    OrderType,
    OrderUpdate,
    Side,
    Status,
    TimeInForce,
    Trade,
)
from sandbox.errors import ExchangeError
from tests.sandbox.driver import SECOND, UNIT, exchange

SYMBOL = "BTCUSDT"
BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture
def venue() -> Exchange:
    return exchange()


def order(side: Side, qty: int = 0, price: int = 0, kind: OrderType | None = None, **more: object) -> NewOrder:
    kind = kind or (OrderType.LIMIT if price else OrderType.MARKET)
    return NewOrder(symbol=SYMBOL, side=side, type=kind, qty=qty, price=price, **more)  # type: ignore[arg-type]


def balances(venue: Exchange, account: str = "ann") -> dict[str, tuple[int, int]]:
    return {item.asset: (item.free, item.locked) for item in venue.account(account, SPOT).balances}


def refusal(venue: Exchange, new: NewOrder, account: str = "ann") -> ExchangeError:
    before = balances(venue), len(venue.open_orders("ann", SPOT))
    with pytest.raises(ExchangeError) as caught:
        venue.submit(account, SPOT, new)
    with pytest.raises(ExchangeError):
        venue.check(account, SPOT, new)
    assert (balances(venue), len(venue.open_orders("ann", SPOT))) == before
    return caught.value


def test_a_market_buy_walks_the_levels_and_pays_its_fee_in_what_it_bought(venue: Exchange) -> None:
    asks = venue.depth(SPOT, SYMBOL).asks
    qty = asks[0][1] + asks[1][1] + 100
    done, events = venue.submit("ann", SPOT, order(BUY, qty))
    cost = (asks[0][0] * asks[0][1] + asks[1][0] * asks[1][1] + asks[2][0] * 100) * 10
    fee = qty   # 10 bps, in 10^-8 BTC, of a quantity in 10^-5
    assert (done.status, done.filled, done.quote_filled) == (Status.FILLED, qty, cost)
    assert balances(venue)["USDT"] == (100_000 * UNIT - cost, 0)
    assert balances(venue)["BTC"] == (UNIT + qty * 1_000 - fee, 0)
    kinds = [event.exec_type for event in events if isinstance(event, OrderUpdate)]
    assert kinds == [ExecType.NEW] + [ExecType.TRADE] * 3
    prints = [event for event in events if isinstance(event, Trade)]
    assert [(event.price, event.qty) for event in prints] == [*asks[:2], (asks[2][0], 100)]
    assert all(event.buyer_order == done.id and not event.buyer_is_maker for event in prints)
    fills = venue.fills("ann", SPOT, SYMBOL)
    assert [fill.trade_id for fill in fills] == [event.id for event in prints]
    assert {fill.fee_asset for fill in fills} == {"BTC"}
    # What was taken is gone, and back when the levels are quoted anew.
    assert venue.depth(SPOT, SYMBOL).asks[0] == (asks[2][0], asks[2][1] - 100)
    venue.advance(venue.now_ns + LIFE_NS)
    assert len(venue.depth(SPOT, SYMBOL).asks) == len(asks)


def test_a_resting_order_holds_its_money_and_gets_the_better_price_back(venue: Exchange) -> None:
    bid, ask = venue.depth(SPOT, SYMBOL).bids[0][0], venue.depth(SPOT, SYMBOL).asks[0][0]
    placed, events = venue.submit("ann", SPOT, order(BUY, 1_000, bid - 50_000))
    held = 1_000 * (bid - 50_000) * 10
    assert balances(venue)["USDT"] == (100_000 * UNIT - held, held)
    assert isinstance(events[-1], BalanceUpdate)
    assert (bid - 50_000, 1_000) in venue.depth(SPOT, SYMBOL).bids
    venue.cancel("ann", SPOT, SYMBOL, order_id=placed.id)
    assert balances(venue)["USDT"] == (100_000 * UNIT, 0)
    # Priced through the book: filled at the book's price, the rest of what was held comes back.
    done, _ = venue.submit("ann", SPOT, order(BUY, 1_000, ask + 10_000))
    assert done.quote_filled == 1_000 * ask * 10
    assert balances(venue)["USDT"] == (100_000 * UNIT - 1_000 * ask * 10, 0)


def test_scripted_flow_fills_a_resting_order_as_maker(venue: Exchange) -> None:
    bid = venue.depth(SPOT, SYMBOL).bids[0][0]
    placed, _ = venue.submit("ann", SPOT, order(BUY, 300, bid))
    events = []
    while placed.is_open:
        events += venue.advance(venue.now_ns + SECOND)
        assert venue.now_ns < 2**62
    fills = venue.fills("ann", SPOT, SYMBOL, order_id=placed.id)
    assert sum(fill.qty for fill in fills) == 300
    assert all(fill.maker and fill.price == bid for fill in fills)
    mine = [event for event in events if isinstance(event, Trade) and event.buyer_order == placed.id]
    assert all(event.buyer_is_maker for event in mine)
    ids = [event.id for event in events if isinstance(event, Trade) and (event.market, event.symbol) == (SPOT, SYMBOL)]
    assert all(after - before == 1 for before, after in pairwise(ids))


def test_quote_quantity_spends_no_more_than_asked(venue: Exchange) -> None:
    done, events = venue.submit("ann", SPOT, order(BUY, kind=OrderType.MARKET, quote_qty=5_000 * UNIT))
    assert done.status is Status.FILLED
    assert [event.order.status for event in events if isinstance(event, OrderUpdate)][-1] is Status.FILLED
    assert done.qty == done.filled
    assert 4_999 * UNIT < done.quote_filled <= 5_000 * UNIT
    sold, _ = venue.submit("ann", SPOT, order(SELL, kind=OrderType.MARKET, quote_qty=20_000 * UNIT))
    assert 19_999 * UNIT < sold.quote_filled <= 20_000 * UNIT
    assert all(locked == 0 for _, locked in balances(venue).values())


def test_time_in_force(venue: Exchange) -> None:
    ask, size = venue.depth(SPOT, SYMBOL).asks[0]
    killed, _ = venue.submit("ann", SPOT, order(BUY, size + 100, ask, tif=TimeInForce.FOK))
    assert (killed.status, killed.filled) == (Status.EXPIRED, 0)
    some, _ = venue.submit("ann", SPOT, order(BUY, size + 100, ask, tif=TimeInForce.IOC))
    assert (some.status, some.filled) == (Status.EXPIRED, size)
    best = venue.depth(SPOT, SYMBOL).asks[0][0]
    maker = order(BUY, 100, best, OrderType.LIMIT_MAKER)
    assert refusal(venue, maker).msg == "Order would immediately match and take."
    rested, _ = venue.submit("ann", SPOT, order(BUY, 1_000, best - 1, OrderType.LIMIT_MAKER))
    assert rested.is_open


def test_a_taker_that_meets_its_own_order_expires(venue: Exchange) -> None:
    bid = venue.depth(SPOT, SYMBOL).bids[0][0]
    resting, _ = venue.submit("ann", SPOT, order(BUY, 1_000, bid))
    taker, events = venue.submit("ann", SPOT, order(SELL, 1_000, bid))
    assert taker.status is Status.EXPIRED_IN_MATCH
    assert resting.is_open
    updates = [event.exec_type for event in events if isinstance(event, OrderUpdate)]
    assert updates == [ExecType.NEW, ExecType.TRADE_PREVENTION]
    assert balances(venue)["BTC"] == (UNIT, 0)
    # Somebody else meets it first, before the background at the same price.
    other, _ = venue.submit("bob", SPOT, order(SELL, 1_000, bid))
    assert other.status is Status.FILLED
    assert resting.status is Status.FILLED


def test_a_client_id_is_free_again_when_its_order_is_no_longer_open(venue: Exchange) -> None:
    bid = venue.depth(SPOT, SYMBOL).bids[0][0]
    first, _ = venue.submit("ann", SPOT, order(BUY, 1_000, bid - 1_000, client_id="mine"))
    again = refusal(venue, order(BUY, 1_000, bid - 1_000, client_id="mine"))
    assert (again.code, again.msg) == (-2010, "Duplicate order sent.")
    venue.submit("bob", SPOT, order(BUY, 1_000, bid - 1_000, client_id="mine"))
    ended, events = venue.cancel("ann", SPOT, SYMBOL, client_id="mine", cancel_client_id="bye")
    assert ended is first
    assert [e.original_client_id for e in events if isinstance(e, OrderUpdate)] == ["mine"]
    second, _ = venue.submit("ann", SPOT, order(BUY, 1_000, client_id="mine"))
    assert second.status is Status.FILLED
    assert venue.order("ann", SPOT, SYMBOL, client_id="mine") is second
    assert venue.order("ann", SPOT, SYMBOL, order_id=first.id) is first
    with pytest.raises(ExchangeError, match="-2011"):
        venue.cancel("ann", SPOT, SYMBOL, client_id="mine")
    with pytest.raises(ExchangeError, match="-2013"):
        venue.order("bob", SPOT, SYMBOL, order_id=first.id)


def test_stops_wait_for_the_last_price(venue: Exchange) -> None:
    last = venue.last_price(SPOT, SYMBOL)
    below, above = last * 999 // 1000, last * 1001 // 1000
    reached = order(SELL, 1_000, stop_price=above, kind=OrderType.STOP_LOSS)
    assert refusal(venue, reached).msg == "Stop price would trigger immediately."
    stop, _ = venue.submit("ann", SPOT, order(SELL, 1_000, stop_price=below, kind=OrderType.STOP_LOSS))
    limit, _ = venue.submit("ann", SPOT, order(BUY, 1_000, above + 10_000, OrderType.STOP_LOSS_LIMIT, stop_price=above))
    profit, _ = venue.submit("ann", SPOT, order(SELL, 1_000, stop_price=above, kind=OrderType.TAKE_PROFIT))
    assert balances(venue)["BTC"][1] == 2 * 1_000 * 1_000
    prices = []
    while stop.is_open or limit.is_open or profit.is_open:
        assert (stop.triggered, limit.triggered, profit.triggered) == (
            min(prices, default=last) <= below, max(prices, default=last) >= above, max(prices, default=last) >= above)
        prices += [event.price for event in venue.advance(venue.now_ns + SECOND)
                   if isinstance(event, Trade) and (event.market, event.symbol) == (SPOT, SYMBOL)]
    assert stop.status is limit.status is profit.status is Status.FILLED
    assert all(locked == 0 for _, locked in balances(venue).values())


def test_cancel_replace(venue: Exchange) -> None:
    bid = venue.depth(SPOT, SYMBOL).bids[0][0]
    first, _ = venue.submit("ann", SPOT, order(BUY, 1_000, bid - 1_000))
    gone, placed, _ = venue.replace("ann", SYMBOL, order(BUY, 2_000, bid - 2_000), order_id=first.id)
    assert gone is first
    assert placed is venue.open_orders("ann", SPOT)[0]
    refused, untried, _ = venue.replace("ann", SYMBOL, order(BUY, 2_000, bid - 2_000), order_id=first.id)
    assert isinstance(refused, ExchangeError)
    assert untried is None
    refused, tried, _ = venue.replace("ann", SYMBOL, order(BUY, 2_000, bid - 3_000), order_id=first.id,
                                      stop_on_failure=False)
    assert isinstance(refused, ExchangeError)
    assert tried is venue.open_orders("ann", SPOT)[1]
    ended, _ = venue.cancel_all("ann", SPOT, SYMBOL)
    assert len(ended) == 2
    with pytest.raises(ExchangeError, match="-2011"):
        venue.cancel_all("ann", SPOT, SYMBOL)
    assert [each.status for each in venue.orders("ann", SPOT, SYMBOL)] == [Status.CANCELED] * 3


@pytest.mark.parametrize(("new", "words"), [
    (order(BUY, 1_000, 6_000_000, OrderType.STOP_MARKET), "-1116"),
    (order(BUY, 1_000, 0, OrderType.LIMIT), "-1102"),
    (order(BUY, 1_000, 6_000_000, OrderType.STOP_LOSS_LIMIT), "-1102"),
    (order(BUY, 1_000, 6_000_000, quote_qty=UNIT), "-1104"),
    (order(BUY, 1_000, 6_000_000, tif=TimeInForce.GTX), "-1115"),
    (order(BUY, 0), "-1102"),
    (order(BUY, 1_000, 6_000_000, reduce_only=True), "-1104"),
    (order(BUY, 1_000, 10**12), "-1013: Filter failure: PRICE_FILTER"),
    (order(BUY, 1_000, 60_000_000), "-1013: Filter failure: PERCENT_PRICE_BY_SIDE"),
    (order(SELL, 1_000, 600_000), "-1013: Filter failure: PERCENT_PRICE_BY_SIDE"),
    (order(BUY, 10**10, 6_000_000), "-1013: Filter failure: LOT_SIZE"),
    (order(BUY, 10_000_000), "-1013: Filter failure: MARKET_LOT_SIZE"),
    (order(BUY, 1, 6_000_000), "-1013: Filter failure: NOTIONAL"),
    (order(BUY, 200_000, 6_000_000), "-2010: Account has insufficient balance"),
    (order(BUY, 200_000), "-2010: Account has insufficient balance"),
    (order(SELL, 100_001, 6_900_000), "-2010: Account has insufficient balance"),
])
def test_refusals_speak_as_binance(venue: Exchange, new: NewOrder, words: str) -> None:
    assert words in str(refusal(venue, new))


def test_at_most_so_many_orders(venue: Exchange) -> None:
    bid = venue.depth(SPOT, SYMBOL).bids[0][0]
    for step in range(200):
        venue.submit("ann", SPOT, order(BUY, 100, bid - 1_000 - step))
    assert "MAX_NUM_ORDERS" in str(refusal(venue, order(BUY, 100, bid - 1_000)))
    last = venue.last_price(SPOT, SYMBOL)
    for step in range(5):
        venue.submit("bob", SPOT, order(SELL, 100, stop_price=last - 10_000 - step, kind=OrderType.STOP_LOSS))
    one_more = order(SELL, 100, stop_price=last - 10_000, kind=OrderType.STOP_LOSS)
    assert "MAX_NUM_ALGO_ORDERS" in str(refusal(venue, one_more, "bob"))

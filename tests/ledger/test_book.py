from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from ledger.allot import allot
from ledger.book import EXTERNAL, Book, Fill
from ledger.errors import LedgerCode
from ledger.intent import Intent, OrderType, Share, TimeInForce
from ledger.shares import Shares
from ledger.value import money, reported, valuation
from market.events import Side
from market.instrument import Instrument, InstrumentKind

BTC = Instrument(
    1, "binance", "BTC/USDT:USDT", "BTCUSDT", InstrumentKind.LINEAR, "BTC", "USDT", "USDT", 1, 3, 10**8, valid_from=0
)
SPOT = Instrument(2, "binance", "BTC/USDT", "BTCUSDT", InstrumentKind.SPOT, "BTC", "USDT", "", 2, 5, 10**8, 0)
INVERSE = Instrument(
    3, "binance", "BTC/USD:BTC", "BTCUSD_PERP", InstrumentKind.INVERSE, "BTC", "USD", "BTC", 1, 0, 100 * 10**8, 0
)
USDT = 10**18


def book() -> Book:
    return Book([BTC, SPOT, INVERSE])


def fill(
    qty: int, price: int, *, instrument: int = 1, fee: int = 0, asset: str = "USDT", shares: tuple[Share, ...] = ()
) -> Fill:
    side = Side.BUY if qty > 0 else Side.SELL
    return Fill(instrument, side, price, abs(qty), fee, asset, shares or (Share("a", qty),))


def test_a_linear_round_trip_pays_its_profit_in_the_settlement_currency() -> None:
    made = book()
    made.fill(fill(2_000, 600_000, fee=60 * 10**8))          # 2 BTC at 60,000
    assert made.cash == {"USDT": -60 * USDT}
    assert made.positions[1].average_price == 600_000
    assert made.positions[1].unrealised(610_000) == 2_000 * USDT
    assert made.fill(fill(-500, 620_000)) == 1_000 * USDT     # half a BTC, 2,000 up
    made.fill(fill(-1_500, 590_000))
    assert made.cash == {"USDT": (1_000 - 1_500 - 60) * USDT}
    assert (made.position(1), made.positions[1].cost) == (0, 0)
    assert made.positions[1].profit(1) == -560 * USDT
    made.check()


def test_through_zero_the_rest_opens_the_other_way_at_the_new_price() -> None:
    made = book()
    made.fill(fill(1_000, 600_000))
    made.fill(fill(-3_000, 610_000))
    assert made.position(1) == -2_000
    assert made.positions[1].average_price == 610_000
    assert made.positions[1].realised == 1_000 * USDT
    made.check()


def test_spot_moves_both_currencies_and_a_fee_in_the_coin_received() -> None:
    made = book()
    made.fill(fill(100_000, 6_000_000, instrument=2, fee=100_000, asset="BTC"))  # 1 BTC at 60,000, 0.001 BTC fee
    assert made.cash == {"USDT": -60_000 * USDT, "BTC": USDT - USDT // 1000}
    made.check()


def test_an_inverse_contract_pays_in_its_base_coin() -> None:
    made = book()
    made.fill(fill(600, 600_000, instrument=3))               # 600 contracts of 100 USD at 60,000: 1 BTC
    assert made.positions[3].cost == -USDT
    assert made.positions[3].average_price == 600_000
    assert made.fill(fill(-600, 1_200_000, instrument=3)) == USDT // 2
    assert made.cash == {"BTC": USDT // 2}


def test_a_fee_in_a_third_coin_is_kept_apart_and_shared() -> None:
    made = book()
    shares = (Share("a", 3), Share("b", 1))
    made.fill(fill(4, 600_000, fee=101, asset="BNB", shares=shares))
    assert made.cash == {"BNB": -money(101)}
    assert made.positions[1].fees == 0
    assert made.fees["a", "BNB"] + made.fees["b", "BNB"] == money(101)
    assert made.fees["a", "BNB"] == 3 * made.fees["b", "BNB"]


def test_funding_is_shared_by_position_and_goes_to_nobody_when_flat() -> None:
    made = book()
    made.fill(fill(1, 600_000, shares=(Share("a", 3), Share("b", -2))))
    made.funding(1, "USDT", -7)
    subs = {name: sub.funding for name, sub in made.strategies(1)}
    assert subs == {"a": 3 * money(-7), "b": -2 * money(-7)}
    made.fill(fill(-1, 600_000, shares=(Share("a", -3), Share("b", 2))))
    made.funding(1, "USDT", 5)
    assert dict(made.strategies(1))[EXTERNAL].funding == money(5)
    made.check()


def test_shares_must_add_up() -> None:
    with pytest.raises(TickhouseError) as caught:
        book().fill(fill(4, 1, shares=(Share("a", 3),)))
    assert caught.value.code is LedgerCode.LEDGER_SHARES_WRONG


def test_an_unknown_instrument_is_refused() -> None:
    with pytest.raises(TickhouseError) as caught:
        book().fill(fill(4, 1, instrument=9))
    assert caught.value.code is LedgerCode.LEDGER_INSTRUMENT_UNKNOWN


def test_a_scale_that_would_not_be_exact_is_refused() -> None:
    fine = Instrument(4, "x", "A/B", "AB", InstrumentKind.SPOT, "A", "B", "", 12, 8, 10**8 + 1, 0)
    with pytest.raises(TickhouseError) as caught:
        valuation(fine)
    assert caught.value.code is LedgerCode.LEDGER_SCALE_TOO_FINE


def test_a_broken_book_is_noticed() -> None:
    made = book()
    made.fill(fill(4, 100))
    made.by_strategy["a", 1].qty += 1
    with pytest.raises(TickhouseError) as caught:
        made.check()
    assert caught.value.code is LedgerCode.LEDGER_BROKEN


fills = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(-50, 50).filter(bool), st.integers(1, 10**6), st.integers(-5, 50),
        st.sampled_from(["USDT", "BNB", "BTC"]), st.integers(-30, 30),
    ),
    max_size=40,
)


@given(fills)
def test_sub_books_add_up_and_no_money_is_made_in_the_adding(
    rows: list[tuple[int, int, int, int, str, int]]
) -> None:
    made = book()
    flows: dict[str, Fraction] = {}
    for instrument, qty, price, fee, asset, crossed in rows:
        shares = (Share("a", qty + crossed), Share("b", -crossed)) if crossed else (Share("a", qty),)
        made.fill(fill(qty, price, instrument=instrument, fee=fee, asset=asset, shares=shares))
        made.check()
        flows[asset] = flows.get(asset, Fraction(0)) - Fraction(fee, 10**8)
        if instrument == 1:      # the cash of a linear fill, were it paid at once
            flows["USDT"] = flows.get("USDT", Fraction(0)) - Fraction(qty * price, 10**4)
        elif instrument == 2:
            flows["USDT"] = flows.get("USDT", Fraction(0)) - Fraction(qty * price, 10**7)
            flows["BTC"] = flows.get("BTC", Fraction(0)) + Fraction(qty, 10**5)
    held = made.positions.get(1)
    if not any(row[0] == 3 for row in rows):
        for asset, flow in flows.items():
            cost = held.cost if held is not None and asset == "USDT" else 0
            # A linear position has not been paid for: its cost is what the account still owes for it.
            assert Fraction(made.cash.get(asset, 0) - cost, USDT) == flow


@given(st.integers(-10**6, 10**6), st.lists(st.integers(-10**4, 10**4), min_size=1, max_size=6))
def test_parts_add_up_and_are_near_their_quota(amount: int, weights: list[int]) -> None:
    if not sum(weights):
        return
    parts = allot(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1
    assert allot(-amount, weights) == [-part for part in parts]


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=4), st.data())
def test_the_last_fill_gives_every_strategy_exactly_its_share(weights: list[int], data: st.DataObject) -> None:
    whole = sum(weights)
    if not whole:
        return
    side, names = (Side.BUY if whole > 0 else Side.SELL), "abcd"
    shares = tuple(Share(name, weight) for name, weight in zip(names, weights, strict=False))
    left = Shares(Intent(
        "t", "m", "m", 1, "", side, OrderType.LIMIT, TimeInForce.GTC, 1, abs(whole), False, False, 0, 0, 1, 0, "",
        shares,
    ))
    got = dict.fromkeys(names, 0)
    rest = abs(whole)
    while rest:
        qty = data.draw(st.integers(1, rest))
        rest -= qty
        for share in left.take(qty if whole > 0 else -qty):
            got[share.strategy] += share.qty
    assert got == dict.fromkeys(names, 0) | {share.strategy: share.qty for share in shares}


@given(st.integers(-10**30, 10**30))
def test_reporting_rounds_half_to_even(amount: int) -> None:
    assert reported(amount) == round(Fraction(amount, 10**10))

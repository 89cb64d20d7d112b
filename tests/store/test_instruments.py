"""Instruments: ids are given once; rules are facts in time."""

from __future__ import annotations

import dataclasses

import pytest

from infra.errors import TickhouseError
from market.instrument import InstrumentKind, InstrumentSpec, Status
from store import instruments
from store.errors import StoreCode

pytestmark = pytest.mark.stack

T = 1_767_225_600_000_000_000


def spec(base="BTC", **changes):
    made = InstrumentSpec(
        venue="binance", symbol=f"{base}/USDT:USDT", venue_symbol=f"{base}USDT", kind=InstrumentKind.LINEAR, base=base,
        quote="USDT", settle="USDT", price_scale=2, qty_scale=3, contract_size=10**8, tick=10, lot=1, min_qty=1,
        max_qty=10**9, min_notional=500_000, maker_fee_ppm=200, taker_fee_ppm=500, status=Status.TRADING, valid_from=T,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_ids_are_given_once_and_found_again(clickhouse):
    first = instruments.allocate(clickhouse, [spec("BTC"), spec("ETH")])
    again = instruments.allocate(clickhouse, [spec("SOL"), spec("ETH", valid_from=T + 1)])
    assert first == {("binance", "BTC/USDT:USDT"): 1, ("binance", "ETH/USDT:USDT"): 2}
    assert again == {("binance", "SOL/USDT:USDT"): 3, ("binance", "ETH/USDT:USDT"): 2}
    assert [life.id for life in instruments.load(clickhouse)] == [1, 2, 3]
    assert instruments.load(clickhouse)[0] == spec("BTC").instrument(1)


def test_a_symbol_listed_again_is_another_life(clickhouse):
    instruments.allocate(clickhouse, [spec()])
    instruments.close(clickhouse, 1, T + 100, ts_known_ns=T + 100)
    assert instruments.allocate(clickhouse, [spec(valid_from=T + 200)]) == {("binance", "BTC/USDT:USDT"): 2}
    assert [life.valid_to for life in instruments.load(clickhouse)] == [T + 100, 0]
    assert [life.valid_to for life in instruments.load(clickhouse, as_of_ns=T + 99)] == [0]


@pytest.mark.parametrize(
    "change", [{"price_scale": 3, "tick": 1}, {"qty_scale": 4, "lot": 5}, {"contract_size": 1}, {"settle": "USDC"}]
)
def test_a_life_never_changes_its_contract(clickhouse, change):
    instruments.allocate(clickhouse, [spec()])
    with pytest.raises(TickhouseError) as caught:
        instruments.allocate(clickhouse, [spec(**change)])
    assert caught.value.code is StoreCode.INSTRUMENT_CHANGED


def test_one_that_changed_does_not_keep_the_others_out(clickhouse):
    instruments.record(clickhouse, [spec()])
    with pytest.raises(TickhouseError, match="INSTRUMENT_CHANGED"):
        instruments.record(clickhouse, [spec(settle="USDC"), spec("ETH")])
    assert [life.symbol for life in instruments.load(clickhouse)] == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    assert set(instruments.rules(clickhouse)) == {1, 2}


def test_a_coarser_scale_is_taken_into_the_life_s_own(clickhouse):
    instruments.record(clickhouse, [spec()])
    coarser = spec(price_scale=1, qty_scale=2, tick=5, lot=2, min_notional=700, valid_from=T + 10)
    (life,) = instruments.record(clickhouse, [coarser])
    assert (life.price_scale, life.qty_scale) == (2, 3)
    rules = instruments.rules(clickhouse)[1]
    assert (rules.tick, rules.lot, rules.min_notional) == (50, 20, 70_000)


def test_digits_that_a_venue_only_reserves_need_not_fit(clickhouse):
    instruments.record(clickhouse, [spec()])
    finer = spec(price_scale=4, qty_scale=8, tick=1000, lot=100_000, min_notional=5 * 10**12, valid_from=T + 10)
    (life,) = instruments.record(clickhouse, [finer])
    assert (life.id, life.price_scale, life.qty_scale) == (1, 2, 3)
    rules = instruments.rules(clickhouse)[1]
    assert (rules.tick, rules.lot, rules.min_notional) == (10, 1, 500_000)


def test_rules_are_those_of_the_moment(clickhouse):
    instruments.record(clickhouse, [spec()])
    instruments.record(clickhouse, [spec(valid_from=T + 5)])
    instruments.record(clickhouse, [spec(tick=20, status=Status.HALTED, valid_from=T + 10)])
    assert clickhouse.command("SELECT count() FROM trading_rules") == 2, "unchanged rules are not written again"
    assert instruments.rules(clickhouse, T + 9)[1].tick == 10
    assert instruments.rules(clickhouse)[1].status is Status.HALTED
    assert instruments.rules(clickhouse, T - 1) == {}


def test_people_see_decimals(clickhouse):
    instruments.record(clickhouse, [spec()])
    columns = ["instrument", "interval_s", "ts_event", "ts_known", "open", "high", "low", "close", "volume"]
    for known, close in ((60, 6_543_210), (120, 6_543_211)):
        row = [1, 60, T // 10**9, T // 10**9 + known, 1, 1, 1, close, 1_500]
        clickhouse.insert("bars", [row], column_names=columns)
    sql = "SELECT symbol, toString(close), toString(volume) FROM bars_readable"
    assert clickhouse.query(sql).result_rows == [("BTC/USDT:USDT", "65432.11", "1.5")]


def test_a_listing_makes_history_known_from_then_on(clickhouse):
    (life,) = instruments.record(clickhouse, [spec(listed=T - 100)])
    assert (life.valid_from, life.listed) == (T - 100, T - 100)
    assert instruments.universe(clickhouse, T - 100) == [life]
    assert instruments.universe(clickhouse, T - 101) == []


def test_a_delisting_closes_the_life_from_when_it_was_told(clickhouse):
    (life,) = instruments.record(clickhouse, [spec(listed=T - 100)])
    for _ in range(2):
        (ended,) = instruments.record(
            clickhouse, [spec(listed=T - 100, delisted=T + 5, status=Status.DELISTED, valid_from=T + 10)]
        )
        assert (ended.id, ended.valid_to) == (life.id, T + 5)
    assert instruments.rules(clickhouse)[1].status is Status.DELISTED
    assert instruments.universe(clickhouse, T + 7) == [life], "nobody here knew it then"
    assert instruments.universe(clickhouse, T + 10) == []
    assert [x.id for x in instruments.load(clickhouse)] == [1]


def test_a_symbol_that_the_venue_drops_ends_and_comes_back_as_another(clickhouse):
    instruments.record(clickhouse, [spec("BTC"), spec("FTT")])
    both = ["BTC/USDT:USDT", "FTT/USDT:USDT"]
    (gone,) = instruments.close_missing(clickhouse, "binance", both, ["BTC/USDT:USDT"], T + 50)
    assert (gone.symbol, gone.valid_to) == ("FTT/USDT:USDT", T + 50)
    assert instruments.close_missing(clickhouse, "binance", both, ["BTC/USDT:USDT"], T + 60) == []
    (again,) = instruments.record(clickhouse, [spec("FTT", valid_from=T + 70)])
    assert again.id == 3
    assert [x.id for x in instruments.universe(clickhouse, T + 49)] == [1, 2]
    assert [x.id for x in instruments.universe(clickhouse, T + 70)] == [1, 3]


def test_nothing_told_later_changes_an_earlier_universe(clickhouse):
    day = 86_400 * 10**9
    instruments.record(clickhouse, [spec("BTC"), spec("LUNA", listed=T - 9 * day)])
    moments = [T - 9 * day, T - 1, T, T + day]
    before = [instruments.universe(clickhouse, at) for at in moments]
    news = spec("LUNA", listed=T + 2 * day, valid_from=T + 3 * day)      # another coin took the name
    late = spec("BTC", listed=T - 5 * day, valid_from=T + 3 * day)       # a listing that was not told before
    instruments.record(clickhouse, [news, late])
    instruments.close_missing(clickhouse, "binance", ["BTC/USDT:USDT"], [], T + 4 * day)
    assert [instruments.universe(clickhouse, at) for at in moments] == before
    assert [(x.id, x.symbol) for x in instruments.universe(clickhouse, T + 3 * day)] == [
        (1, "BTC/USDT:USDT"), (3, "LUNA/USDT:USDT"),
    ]

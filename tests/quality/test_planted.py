"""One planted fault a line: the rule that must find it, how grave it is, and that genuine data passes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest

from market.dataset import Dataset
from quality.rule import Severity
from tests.quality.frames import (
    DAY_NS,
    FIRST,
    GOOD,
    HOUR_NS,
    MINUTE_NS,
    SECOND_NS,
    START,
    bars,
    context,
    funding,
    judge,
    spoil,
)

INFO, WARNING, ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR
BARS, TRADES, QUOTES, DELTAS = Dataset.BARS, Dataset.TRADES, Dataset.QUOTES, Dataset.BOOK_DELTAS
SNAPSHOTS, FUNDING, INTEREST, SERIES = (
    Dataset.BOOK_SNAPSHOTS, Dataset.FUNDING_RATES, Dataset.OPEN_INTEREST, Dataset.SERIES,
)

Change = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Plant:
    """A fault planted in good data."""

    dataset: Dataset
    what: str
    plant: Change
    rule: str
    severity: Severity
    row: int | None = None       # that must be rejected
    context: dict[str, Any] = field(default_factory=dict)


def put(row: int | range, **values: object) -> Change:
    return lambda good: spoil(good, row, **values)


def drop(*rows: int) -> Change:
    return lambda good: good.filter(~pl.int_range(pl.len()).is_in(list(rows)))


def again(row: int, **values: object) -> Change:
    """The row comes twice, the second time with other values."""
    return lambda good: pl.concat([good, spoil(good.slice(row, 1), 0, **values)])


def moved(row: int, by_ns: int, *columns: str) -> Change:
    names = columns or ("ts_event", "ts_known")
    return lambda good: good.with_columns(
        pl.when(pl.int_range(pl.len()) == row).then(pl.col(name) + by_ns).otherwise(name).alias(name) for name in names
    )


def scaled(row: int, factor: float, *columns: str) -> Change:
    return lambda good: good.with_columns(
        pl.when(pl.int_range(pl.len()) == row).then((pl.col(name) * factor).cast(pl.Int64)).otherwise(name).alias(name)
        for name in columns
    )


def symbol(row: int, name: str) -> Change:
    return lambda good: good.with_columns(
        symbol=pl.when(pl.int_range(pl.len()) == row).then(pl.lit(name)).otherwise(pl.lit("BTCUSDT"))
    )


def same(rows: range, *columns: str) -> Change:
    """Rows that repeat the first of them."""
    return lambda good: spoil(good, rows, **{name: good[name][rows.start] for name in columns})


def level(good: pl.DataFrame, row: int, side: str, levels: list[tuple[int, int]]) -> pl.DataFrame:
    values = good[side].to_list()
    values[row] = [{"price": price, "qty": qty} for price, qty in levels]
    return good.with_columns(pl.Series(side, values, dtype=good.schema[side]))


PRICES = ("open", "high", "low", "close")
PLANTS = [
    # Bars.
    Plant(BARS, "a null", put(3, volume=None), "values_present", ERROR, 3),
    Plant(BARS, "price zero", put(3, low=0), "prices_positive", ERROR, 3),
    Plant(BARS, "price -1", put(3, open=-1, low=-1), "prices_positive", ERROR, 3),
    Plant(BARS, "high below the close", lambda good: good.with_columns(
        high=pl.when(pl.int_range(pl.len()) == 3).then(pl.col("close") - 1).otherwise("high")
    ), "high_over_body", ERROR, 3),
    Plant(BARS, "low above the open", lambda good: good.with_columns(
        low=pl.when(pl.int_range(pl.len()) == 3).then(pl.col("open") + 1).otherwise("low")
    ), "low_under_body", ERROR, 3),
    Plant(BARS, "high and low swapped", lambda good: good.with_columns(
        high=pl.when(pl.int_range(pl.len()) == 3).then("low").otherwise("high"),
        low=pl.when(pl.int_range(pl.len()) == 3).then("high").otherwise("low"),
    ), "high_over_low", ERROR, 3),
    Plant(BARS, "volume below zero", put(3, volume=-5), "volume_not_negative", ERROR, 3),
    Plant(BARS, "count of -7", put(3, count=-7), "count_sane", ERROR, 3),
    Plant(BARS, "another interval", put(3, interval_s=300), "interval_right", ERROR, 3),
    Plant(BARS, "off the grid by a second", moved(3, SECOND_NS), "on_grid", ERROR, 3),
    Plant(BARS, "of the day after tomorrow", put(3, ts_event=START + 2 * DAY_NS), "time_in_its_day", ERROR, 3),
    Plant(BARS, "time zero", put(3, ts_event=0), "time_sane", ERROR, 3),
    Plant(BARS, "known before it closed", moved(3, -MINUTE_NS, "ts_known"), "known_after_event", ERROR, 3),
    Plant(BARS, "the last bar still forms", lambda good: good, "bar_closed", ERROR, 2879,
          {"asked_ns": START + 2 * DAY_NS - 1}),
    Plant(BARS, "from the future", lambda good: good, "time_sane", ERROR, 2879,
          {"asked_ns": START + 2 * DAY_NS - 3 * MINUTE_NS}),
    Plant(BARS, "a start twice with other prices", again(3, volume=1), "key_unique", ERROR, 3),
    Plant(BARS, "a row twice", again(3), "duplicates", WARNING),
    Plant(BARS, "of another symbol", symbol(3, "ETHUSDT"), "symbol_right", ERROR, 3),
    Plant(BARS, "flat and silent before the listing", put(
        range(60), open=1_000_000, high=1_000_000, low=1_000_000, close=1_000_000, volume=0
    ), "not_flat_before_listing", ERROR, 59, {"listed_ns": START + HOUR_NS}),
    Plant(BARS, "traded before the listing", lambda good: good, "not_before_listing", WARNING, None,
          {"listed_ns": START + HOUR_NS}),
    Plant(BARS, "a decimal point slipped up", scaled(3, 10.5, *PRICES), "not_detached", ERROR, 3),
    Plant(BARS, "a decimal point slipped down", scaled(3, 0.09, *PRICES), "not_detached", ERROR, 3),
    Plant(BARS, "a close 20 % away and back", scaled(3, 1.2, "high", "close"), "no_spike", WARNING),
    Plant(BARS, "a crash of 20 %", lambda good: good.with_columns(
        pl.when(pl.int_range(pl.len()) > 50).then(pl.col(name) * 4 // 5).otherwise(name).alias(name) for name in PRICES
    ), "no_jump", INFO),
    Plant(BARS, "a high of four times the price", scaled(3, 4.0, "high"), "no_wick_up", WARNING),
    Plant(BARS, "a low of half the price", scaled(3, 0.5, "low"), "no_wick", INFO),
    Plant(BARS, "a minute is missing", drop(7), "bars_missing", WARNING),
    Plant(BARS, "stamped at the end", lambda good: good.head(1440).with_columns(
        pl.col("ts_event", "ts_known") + MINUTE_NS
    ), "stamped_at_start", ERROR, 0),
    Plant(BARS, "a feed that froze", same(range(20, 40), *PRICES, "volume"), "frozen_run", WARNING),
    Plant(BARS, "a close that stands still", same(range(100, 200), *PRICES), "stale_run", INFO),
    Plant(BARS, "two hours without volume", put(range(100, 220), volume=0), "zero_volume_run", INFO),
    Plant(BARS, "a day without volume", put(range(1440), volume=0), "volume_some", INFO),
    Plant(BARS, "out of order", lambda good: pl.concat([good.slice(5), good.head(5)]), "in_order", INFO),
    # Trades.
    Plant(TRADES, "price zero", put(3, price=0), "price_positive", ERROR, 3),
    Plant(TRADES, "price -1", put(3, price=-1), "price_positive", ERROR, 3),
    Plant(TRADES, "quantity zero", put(3, qty=0), "qty_positive", ERROR, 3),
    Plant(TRADES, "price and quantity zero, as the venue does", put(3, price=0, qty=0), "not_null_trade", INFO),
    Plant(TRADES, "a side that is none", put(3, side=3), "side_known", ERROR, 3),
    Plant(TRADES, "a side that is not told", put(3, side=0), "side_told", INFO),
    Plant(TRADES, "a number twice", put(3, trade_id=9), "key_unique", ERROR, 3),
    Plant(TRADES, "a row twice", again(3), "duplicates", WARNING),
    Plant(TRADES, "a number is skipped", drop(20), "numbers_missing", WARNING),
    Plant(TRADES, "a number is skipped between two days", drop(200), "numbers_missing", WARNING),
    Plant(TRADES, "a time that runs back", moved(50, -HOUR_NS * 5), "time_follows_number", ERROR, 50),
    Plant(TRADES, "a time that runs ahead", moved(50, HOUR_NS * 5), "time_follows_number", ERROR, 50),
    Plant(TRADES, "time of another year", put(3, ts_event=1_577_836_800 * SECOND_NS), "time_in_its_day", ERROR, 3),
    Plant(TRADES, "time zero", put(3, ts_event=0), "time_sane", ERROR, 3),
    Plant(TRADES, "from the future", lambda good: good, "time_sane", ERROR, 399, {"asked_ns": START + DAY_NS}),
    Plant(TRADES, "known before it happened", moved(3, -5 * SECOND_NS, "ts_known"), "known_after_event", WARNING),
    Plant(TRADES, "known a day late", moved(3, DAY_NS, "ts_known"), "known_soon", WARNING),
    Plant(TRADES, "of another symbol", symbol(3, "ETHUSDT"), "symbol_right", ERROR, 3),
    Plant(TRADES, "before the listing", lambda good: good, "not_before_listing", WARNING, None,
          {"listed_ns": START + HOUR_NS}),
    Plant(TRADES, "eleven times the price", scaled(3, 11, "price"), "not_detached", ERROR, 3),
    Plant(TRADES, "a tenth off and back", scaled(3, 0.9, "price"), "no_spike", WARNING),
    Plant(TRADES, "a crash of 20 %", lambda good: good.with_columns(
        price=pl.when(pl.int_range(pl.len()) > 50).then(pl.col("price") * 4 // 5).otherwise("price")
    ), "no_jump", INFO),
    Plant(TRADES, "hours without a trade", drop(*range(100, 160)), "longest_gap", INFO),
    # Quotes.
    Plant(QUOTES, "bid below zero", put(3, bid_price=-1), "prices_not_negative", ERROR, 3),
    Plant(QUOTES, "quantity below zero", put(3, ask_qty=-1), "qty_not_negative", ERROR, 3),
    Plant(QUOTES, "bid above ask", put(3, bid_price=1_100_000), "not_crossed", WARNING),
    Plant(QUOTES, "bid at ask", lambda good: good.with_columns(
        ask_price=pl.when(pl.int_range(pl.len()) == 3).then("bid_price").otherwise("ask_price")
    ), "not_locked", INFO),
    Plant(QUOTES, "no ask", put(3, ask_price=0, ask_qty=0), "two_sided", INFO),
    Plant(QUOTES, "a spread of 30 %", put(3, ask_price=1_350_000), "spread_usual", WARNING),
    Plant(QUOTES, "one key with two quotes", again(3, bid_price=999_000), "key_unique", WARNING),
    Plant(QUOTES, "event time zero where others tell it", put(3, ts_event=0), "time_sane", ERROR, 3),
    Plant(QUOTES, "event time of 2020", put(3, ts_event=1_577_836_800 * SECOND_NS), "time_sane", ERROR, 3),
    Plant(QUOTES, "received before it happened", moved(3, 3 * SECOND_NS, "ts_event"), "received_after_event", WARNING),
    Plant(QUOTES, "received an hour late", moved(3, -HOUR_NS, "ts_event"), "received_soon", WARNING),
    Plant(QUOTES, "a clock that is a second behind", lambda good: good.with_columns(
        pl.col("ts_recv") - SECOND_NS).tail(199), "clock_skew", WARNING),
    Plant(QUOTES, "numbers that fall", put(3, seq=1), "number_rises", WARNING),
    # Book deltas.
    Plant(DELTAS, "price -1", put(4, price=-1), "price_positive", ERROR, 4),
    Plant(DELTAS, "quantity below zero", put(4, qty=-1), "qty_not_negative", ERROR, 4),
    Plant(DELTAS, "a side that is none", put(4, side=3), "side_known", ERROR, 4),
    Plant(DELTAS, "first number above the last", put(range(4, 6), first_seq=99_999), "numbers_ordered", ERROR, 4),
    Plant(DELTAS, "a packet that disagrees with itself", put(4, first_seq=1_007), "packet_whole", ERROR, 4),
    Plant(DELTAS, "a packet is missing", drop(8, 9), "updates_missing", WARNING),
    Plant(DELTAS, "a packet that begins too late", put(range(4, 6), first_seq=1_007), "updates_missing", WARNING),
    Plant(DELTAS, "a packet that begins too early", put(range(4, 6), first_seq=1_001), "number_rises", WARNING),
    Plant(DELTAS, "event time zero", put(range(4, 6), ts_event=0), "time_sane", ERROR, 4),
    Plant(DELTAS, "received the day after", put(399, ts_recv=START + 2 * DAY_NS), "time_in_its_day", ERROR, 399),
    # Book snapshots.
    Plant(SNAPSHOTS, "a level without quantity", lambda good: level(good, 3, "bids", [(9, 0)]),
          "levels_positive", ERROR, 3),
    Plant(SNAPSHOTS, "bids that rise", lambda good: level(good, 3, "bids", [(8, 1), (9, 1)]),
          "levels_sorted", ERROR, 3),
    Plant(SNAPSHOTS, "a price twice", lambda good: level(good, 3, "asks", [(2_000_000, 1), (2_000_000, 1)]),
          "levels_sorted", ERROR, 3),
    Plant(SNAPSHOTS, "crossed", lambda good: level(good, 3, "asks", [(9, 1)]), "not_crossed", WARNING),
    Plant(SNAPSHOTS, "no asks", lambda good: level(good, 3, "asks", []), "two_sided", INFO),
    # Funding.
    Plant(FUNDING, "a rate of 20 %", put(1, rate=200_000_000_000), "rate_within_caps", ERROR, 1),
    Plant(FUNDING, "a rate of 6 %", put(1, rate=60_000_000_000), "rate_usual", WARNING),
    Plant(FUNDING, "mark price below zero", put(1, mark_price=-1), "mark_price_not_negative", ERROR, 1),
    Plant(FUNDING, "a settlement twice", put(1, ts_event=START + 3_000_000), "key_unique", ERROR, 1),
    Plant(FUNDING, "stamped at UTC+3", lambda _: funding(shift_h=3), "funding_grid", ERROR, 0),
    Plant(FUNDING, "a settlement is missing", drop(1), "settlements_missing", WARNING),
    Plant(FUNDING, "the first settlement is missing", drop(0), "settlements_missing", WARNING),
    Plant(FUNDING, "the last settlement is missing", drop(5), "settlements_missing", WARNING),
    Plant(FUNDING, "between the hours", moved(1, 1_800 * SECOND_NS), "on_the_hour", WARNING),
    Plant(FUNDING, "known before", moved(1, -HOUR_NS, "ts_known"), "known_after_event", ERROR, 1),
    # Open interest and series.
    Plant(INTEREST, "below zero", put(3, qty=-1), "qty_not_negative", ERROR, 3),
    Plant(INTEREST, "a value is missing", drop(30), "values_missing", WARNING),
    Plant(INTEREST, "ten times the value before", scaled(3, 10, "qty"), "no_jump", WARNING),
    Plant(INTEREST, "a value that stands still", same(range(10, 40), "qty"), "stale_run", INFO),
    Plant(SERIES, "not a number", put(3, value=float("nan")), "value_finite", ERROR, 3),
    Plant(SERIES, "infinite", put(3, value=float("inf")), "value_finite", ERROR, 3),
    Plant(SERIES, "another series", put(3, series="greed"), "series_right", ERROR, 3, {"series": "fear"}),
    Plant(SERIES, "known before its time", moved(3, -2 * HOUR_NS, "ts_known"), "known_after_event", ERROR, 3),
    Plant(SERIES, "a value is missing", drop(20), "values_missing", WARNING),
    Plant(SERIES, "a thousand times the others", put(3, value=50_000.0), "not_far_off", INFO),
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.dataset}: {plant.what}".replace(" ", "-"))
def test_a_planted_fault_is_found_and_its_row_rejected(plant):
    good = GOOD[plant.dataset]()
    where = context(**plant.context)
    clean = {f.rule for f in judge(plant.dataset, good).findings if not f.passed}
    assert plant.rule not in clean
    frame = plant.plant(good)
    found = judge(plant.dataset, frame.with_columns(pl.col("day").clip(FIRST)), where)
    broken = {f.rule: f for f in found.findings if not f.passed}
    assert plant.rule in broken
    assert broken[plant.rule].severity is plant.severity
    rejected = found.rejected.filter(pl.col("reason") == plant.rule)["row"].to_list()
    if plant.severity is ERROR:
        assert plant.row in rejected
    else:
        assert rejected == []


def test_every_rule_has_a_fault_that_breaks_it():
    from quality import suites

    unplanted = {
        f"{dataset}: {rule.name}"
        for dataset in Dataset
        for suite in [suites.get(dataset, context())]
        for rule in (*suite.rows, *suite.days)
    } - {f"{plant.dataset}: {plant.rule}" for plant in PLANTS}
    # What several datasets share is planted in the one where it is likeliest; a day without rows has its own test.
    shared = {
        "values_present", "time_in_its_day", "symbol_right", "time_sane", "known_after_event", "key_unique",
        "duplicates", "in_order", "longest_gap", "clock_skew", "received_after_event", "received_soon", "stale_run",
        "not_before_listing",
    }
    planted = {plant.rule for plant in PLANTS}
    assert {name for name in unplanted if name.split(": ")[1] not in shared & planted} == {
        f"{dataset}: {what}_some" for dataset, what in (
            (TRADES, "trades"), (QUOTES, "quotes"), (DELTAS, "deltas"), (SNAPSHOTS, "snapshots"),
            (FUNDING, "settlements"), (INTEREST, "values"), (SERIES, "values"),
        )
    }


@pytest.mark.parametrize("dataset", [name for name in GOOD if name is not BARS])
def test_a_day_without_rows_breaks_the_rule_that_there_are_some(dataset):
    found = judge(dataset, GOOD[dataset]().filter(pl.col("day") == FIRST))
    broken = {(f.rule.split("_")[1], f.day > FIRST) for f in found.findings if not f.passed and "_some" in f.rule}
    assert broken == {("some", True)}


def test_bars_of_every_interval_have_their_grid():
    for interval_s in (1, 60, 300, 900, 3_600, 14_400, 86_400):
        found = judge(BARS, bars(interval_s), context(interval_s=interval_s))
        assert {f.rule for f in found.findings if not f.passed} <= {"stale_run"}


def test_a_venue_that_opens_at_the_close_before_has_opens_outside_of_high_and_low():
    good = bars()
    apart = good.with_columns(open=pl.when(pl.int_range(pl.len()) == 9).then(pl.col("high") + 70).otherwise("open"))
    assert "high_over_body" in {f.rule for f in judge(BARS, apart).findings if not f.passed}
    bitmex = judge(BARS, apart, context("bitmex"))
    assert [f.rule for f in bitmex.findings if not f.passed] == []


def test_a_venue_that_has_no_null_trades_is_not_forgiven_them():
    null = spoil(GOOD[TRADES](), 3, price=0, qty=0)
    assert judge(TRADES, null).worst(1, FIRST) is INFO
    assert judge(TRADES, null, context("kraken")).worst(1, FIRST) is ERROR


def test_numbers_of_a_venue_that_counts_all_its_symbols_together_say_nothing():
    sparse = GOOD[TRADES]().with_columns(pl.col("trade_id") * 40)
    assert judge(TRADES, sparse, context("okx")).worst(1, FIRST) is None
    assert judge(TRADES, sparse, context("binance")).worst(1, FIRST) is WARNING


def test_numbers_without_order_are_not_held_against_time():
    shuffled = GOOD[TRADES]().with_columns(trade_id=(pl.col("trade_id") * 7_919) % 1_009)
    assert judge(TRADES, shuffled, context("kraken")).worst(1, FIRST) is None


def test_a_listing_in_the_middle_of_the_day_asks_for_no_bars_before_it():
    listed = START + 5 * HOUR_NS
    late = bars().filter(pl.col("ts_event") >= listed)
    assert judge(BARS, late, context(listed_ns=listed)).worst(1, FIRST) is None
    assert judge(BARS, late).worst(1, FIRST) is WARNING


def test_a_change_of_the_funding_interval_is_no_gap():
    eight, four = funding(8, days=1), funding(4, days=1)
    moved_on = pl.concat([eight, four.with_columns(pl.col("ts_event", "ts_known") + DAY_NS,
                                                   day=pl.col("day").dt.offset_by("1d"))])
    assert judge(FUNDING, moved_on).worst(1, FIRST) is None

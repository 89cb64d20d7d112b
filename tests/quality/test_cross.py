"""Checks between datasets: each passes data that agree, and names the row that does not."""

from __future__ import annotations

import polars as pl
import pytest

from market.dataset import Dataset
from quality.cross import (
    bar_stamp,
    bars_against_trades,
    cross_venue,
    funding_grid,
    intervals,
    mark_price,
    silent_minutes,
    symbol_reuse,
    volume_against_trades,
)
from quality.cross.look import judged
from quality.frames import rebuilt, with_day
from quality.rule import Severity
from tests.quality.frames import (
    DAY_NS,
    DAYS,
    FIRST,
    HOUR_NS,
    MINUTE_NS,
    SECOND,
    SECOND_NS,
    START,
    bars,
    frame,
    funding,
    spoil,
    walk,
)
from venues import facts

BINANCE = facts.of("binance")


def busy_trades(count: int = 6_000) -> pl.DataFrame:
    """About four trades a minute on the first day, and some on the second."""
    times = [START + at * 14 * SECOND_NS for at in range(count)]
    return frame(
        Dataset.TRADES, ts_event=times, ts_known=times, trade_id=list(range(count)), price=walk(count),
        qty=[1 + at % 7 for at in range(count)], side=[1] * count, flags=[0] * count,
    )


@pytest.fixture(scope="module")
def agreeing():
    trades = busy_trades()
    return with_day(rebuilt(trades, 60)), trades


def failing(looks):
    return [(f.rule, f.day, f.failing_rows) for f in judged(looks) if not f.passed]


def test_bars_that_their_trades_make_pass(agreeing):
    made, trades = agreeing
    looks = [
        bars_against_trades.look(made, trades, DAYS, 60, BINANCE),
        volume_against_trades.look(made, trades, DAYS, 60),
        bar_stamp.look(made, trades, DAYS, 60),
        silent_minutes.look(made, trades, DAYS, 60),
    ]
    assert failing(looks) == []
    assert len(judged(looks)) == 4 * 2


def test_a_price_that_no_trade_had_is_named_on_its_day(agreeing):
    made, trades = agreeing
    wrong = spoil(made, 5, high=made["high"][5] + 1)
    found = judged([bars_against_trades.look(wrong, trades, DAYS, 60, BINANCE)])
    assert [(f.day, f.failing_rows, f.severity) for f in found if not f.passed] == [(FIRST, 1, Severity.ERROR)]
    assert f"ts_event={START + 5 * MINUTE_NS}" in found[0].observed
    assert f"high_made={made['high'][5]}" in found[0].observed


def test_a_bar_with_volume_that_nobody_traded_is_named(agreeing):
    made, trades = agreeing
    fewer = trades.filter(pl.col("ts_event") // MINUTE_NS != START // MINUTE_NS + 5)
    assert failing([bars_against_trades.look(made, fewer, DAYS, 60, BINANCE)]) == [("bars_against_trades", FIRST, 1)]


def test_another_volume_only_warns(agreeing):
    made, trades = agreeing
    wrong = spoil(made, 5, volume=made["volume"][5] + 1)
    assert failing([bars_against_trades.look(wrong, trades, DAYS, 60, BINANCE)]) == []
    found = judged([volume_against_trades.look(wrong, trades, DAYS, 60)])
    assert [(f.day, f.severity) for f in found if not f.passed] == [(FIRST, Severity.WARNING)]


def test_a_venue_that_opens_at_the_close_before_is_not_accused_of_its_opens(agreeing):
    made, trades = agreeing
    opened = made.with_columns(open=pl.col("close").shift(1, fill_value=0))
    assert failing([bars_against_trades.look(opened, trades, DAYS, 60, facts.of("bitmex"))]) == []
    assert failing([bars_against_trades.look(opened, trades, DAYS, 60, BINANCE)]) != []


def test_days_on_which_trades_are_not_whole_are_not_judged(agreeing):
    made, trades = agreeing
    wrong = spoil(made, 5, high=made["high"][5] + 1)
    second = DAYS.filter(pl.col("day") == SECOND)
    assert failing([bars_against_trades.look(wrong, trades, second, 60, BINANCE)]) == []


@pytest.mark.parametrize("shift", [60, -60, 3_600, -8 * 3_600, 5 * 3_600 + 1_800])
def test_stamps_that_are_late_are_found_with_their_shift(agreeing, shift):
    made, trades = agreeing
    late = with_day(made.with_columns(pl.col("ts_event") + shift * SECOND_NS))
    assert bar_stamp.shift_s(late, rebuilt(trades, 60), 60) == shift
    found = judged([bar_stamp.look(late, trades, DAYS, 60)])
    assert {f.severity for f in found if not f.passed} == {Severity.ERROR}
    assert f"shift_s={shift}" in found[0].observed


def test_a_missing_bar_with_trades_is_a_gap_and_one_without_is_silence(agreeing):
    made, trades = agreeing
    minute = pl.col("ts_event") // MINUTE_NS != START // MINUTE_NS + 5
    assert failing([silent_minutes.look(made.filter(minute), trades, DAYS, 60)]) == [("gaps_verified", FIRST, 1)]
    assert failing([silent_minutes.look(made.filter(minute), trades.filter(minute), DAYS, 60)]) == []


def test_longer_bars_are_those_that_shorter_ones_make():
    lower = bars(60)
    for interval_s in (300, 3_600, 86_400):
        higher = with_day(intervals.aggregated(lower, interval_s))
        assert failing(intervals.look(higher, lower, DAYS, interval_s)) == []
        wrong = spoil(higher, 0, close=higher["close"][0] + 1, volume=1)
        assert {rule for rule, _, _ in failing(intervals.look(wrong, lower, DAYS, interval_s))} == {
            "higher_against_lower", "higher_volume"
        }


def test_weeks_begin_on_mondays():
    lower = bars(86_400, days=14)
    weeks = intervals.aggregated(lower, 604_800)
    assert weeks["ts_event"].to_list() == [START, START + 7 * DAY_NS]
    assert weeks["volume"].sum() == lower["volume"].sum()


def priced(frame: pl.DataFrame, factor: float = 1.0) -> pl.DataFrame:
    return frame.with_columns(price=pl.col("close") / 100 * factor)


def test_a_close_that_stands_alone_is_found_and_a_premium_is_not():
    ours = bars()
    others = [priced(ours), priced(ours, 1.001)]
    assert failing(cross_venue.look(priced(ours, 1.05), others, DAYS)) == []
    lonely = spoil(ours, 7, close=1_300_000)
    assert failing(cross_venue.look(priced(lonely), others, DAYS)) == [("cross_venue", FIRST, 1)]
    absurd = spoil(ours, 7, close=10_000_000)
    assert {rule for rule, _, _ in failing(cross_venue.look(priced(absurd), others, DAYS))} == {
        "cross_venue", "cross_venue_absurd"
    }
    # One other venue is no proof against us.
    assert {rule for rule, _, _ in failing(cross_venue.look(priced(absurd), others[:1], DAYS))} == {"cross_venue"}
    assert cross_venue.look(priced(ours), [], DAYS) == []


def test_a_crash_on_all_venues_is_genuine():
    crash = bars().with_columns(close=pl.when(pl.int_range(pl.len()) > 99).then(10).otherwise("close"))
    assert failing(cross_venue.look(priced(crash), [priced(crash), priced(crash, 1.002)], DAYS)) == []


def test_a_symbol_with_two_histories_is_suspected():
    one = bars(3_600, days=1).with_columns(pl.col("open", "high", "low", "close") // 160_000)
    other = bars(3_600, days=1, start=START + DAY_NS * 3)
    days = pl.DataFrame({"instrument": [1], "day": [other["day"][0]]}, schema_overrides={"instrument": pl.UInt32})
    found = failing([symbol_reuse.look(pl.concat([one, other]), days)])
    assert found == [("symbol_reuse", other["day"][0], 1)]
    assert failing([symbol_reuse.look(bars(3_600), DAYS)]) == []


def test_a_mark_price_far_from_the_close_is_found():
    marked = funding().with_columns(mark_price=pl.lit(1_000_000, dtype=pl.Int64))
    assert failing([mark_price.look(marked, bars(), DAYS)]) == []
    wrong = spoil(marked, 1, mark_price=1_200_000)
    assert failing([mark_price.look(wrong, bars(), DAYS)]) == [("mark_price_sane", FIRST, 1)]
    assert failing([mark_price.look(spoil(marked, 1, mark_price=0), bars(), DAYS)]) == []


@pytest.mark.parametrize(("hours", "shift", "venue", "found"), [
    (8, 0, "binance", 0), (8, 3, "binance", 3), (4, 0, "binance", 0), (8, 4, "bitmex", 0), (8, 0, "bitmex", 4),
    (1, 3, "dydx", 0), (8, 3, "kucoinfutures", 3), (8, 4, "kucoinfutures", 0),
])
def test_a_funding_grid_in_another_zone_is_told(hours, shift, venue, found):
    frame = funding(hours, shift)
    assert funding_grid.shift_h(frame["ts_event"], facts.of(venue)) == found
    assert bool(failing([funding_grid.look(frame, DAYS, facts.of(venue))])) == bool(found)


def test_too_few_settlements_tell_nothing():
    assert funding_grid.shift_h(funding(8, 3)["ts_event"].head(3), BINANCE) == 0


def test_nothing_to_look_at_is_no_finding():
    assert judged([]) == []
    empty = DAYS.clear()
    assert judged([symbol_reuse.look(bars(3_600), empty)]) == []


def test_trades_at_the_last_nanosecond_of_a_bar_belong_to_it():
    trades = busy_trades(3).with_columns(ts_event=pl.Series([START, START + MINUTE_NS - 1, START + HOUR_NS]))
    made = rebuilt(trades, 60)
    assert made["count"].to_list() == [2, 1]

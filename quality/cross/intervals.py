"""Longer bars beside those that shorter ones make: the same prices, and the same volume."""

from __future__ import annotations

import polars as pl

from market import bars as core
from quality.cross import compare
from quality.cross.look import Look
from quality.frames import of_bars, to_bars
from quality.rule import DayRule, Severity

PRICES = DayRule("higher_against_lower", "the prices that the shorter bars make", Severity.ERROR, most=0)
VOLUME = DayRule("higher_volume", "the volume of the shorter bars", most=0)
_WEEK_S = 604_800


def look(higher: pl.DataFrame, lower: pl.DataFrame, days: pl.DataFrame, interval_s: int) -> list[Look]:
    """Longer bars that disagree; `days` are those on which the shorter bars are whole, which they must be for all of
    a bar."""
    made = aggregated(lower, interval_s)
    on = ["instrument", "day"]
    return [
        Look(PRICES, compare.prices_differ(higher, made).join(days, on=on, how="semi"), days),
        Look(VOLUME, compare.volumes_differ(higher, made).join(days, on=on, how="semi"), days),
    ]


def aggregated(lower: pl.DataFrame, interval_s: int, source: str = "") -> pl.DataFrame:
    """Longer bars from shorter ones, the last of them perhaps from a part; weeks begin on Mondays."""
    # The kernel cuts at multiples of the interval, and the epoch was a Thursday.
    shift = 4 * 86_400 * 10**9 if interval_s % _WEEK_S == 0 else 0
    moved = lower.with_columns(pl.col("ts_event", "ts_known") - shift)
    made = of_bars(core.aggregate(to_bars(moved), interval_s), source)
    return made.with_columns(pl.col("ts_event", "ts_known") + shift)

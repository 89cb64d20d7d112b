"""Bars rebuilt from whole days of trades: the same open, high, low and close, exactly."""

from __future__ import annotations

import polars as pl

from quality.cross import compare
from quality.cross.look import Look
from quality.frames import rebuilt
from quality.rule import DayRule, Severity
from venues.facts import Facts

RULE = DayRule("bars_against_trades", "the bar that the day's trades make", Severity.ERROR, most=0)


def look(bars: pl.DataFrame, trades: pl.DataFrame, days: pl.DataFrame, interval_s: int, facts: Facts) -> Look:
    """Bars whose prices are not those of the trades, and bars with a volume though nothing was traded.

    `days` are those on which the trades are whole.
    """
    made = rebuilt(trades, interval_s)
    wrong = compare.prices_differ(bars, made, opens=not facts.opens_at_previous_close)
    extra = compare.surplus(bars, made)
    both = pl.concat([wrong, extra], how="diagonal").join(days, on=["instrument", "day"], how="semi")
    return Look(RULE, both.sort("ts_event"), days)

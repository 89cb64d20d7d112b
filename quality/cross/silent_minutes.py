"""Minutes without a bar: silent if no trade of theirs is known either, a real gap if there is one."""

from __future__ import annotations

import polars as pl

from quality.cross import compare
from quality.cross.look import Look
from quality.frames import rebuilt
from quality.rule import DayRule

RULE = DayRule("gaps_verified", "no bar is missing where there were trades", most=0)


def look(bars: pl.DataFrame, trades: pl.DataFrame, days: pl.DataFrame, interval_s: int) -> Look:
    """Bars that the trades make and that are not there; `days` are those on which the trades are whole."""
    made = compare.lacking(bars, rebuilt(trades, interval_s))
    return Look(RULE, made.join(days, on=["instrument", "day"], how="semi").sort("ts_event"), days)

"""Volumes of bars beside the sum of their trades. Venues leave some trades out of their bars, so it only warns."""

from __future__ import annotations

import polars as pl

from quality.cross import compare
from quality.cross.look import Look
from quality.frames import rebuilt
from quality.rule import DayRule

RULE = DayRule("volume_against_trades", "the volume of the bar's trades", most=0)


def look(bars: pl.DataFrame, trades: pl.DataFrame, days: pl.DataFrame, interval_s: int) -> Look:
    """Bars whose volume is not the sum of their trades."""
    wrong = compare.volumes_differ(bars, rebuilt(trades, interval_s))
    return Look(RULE, wrong.join(days, on=["instrument", "day"], how="semi"), days)

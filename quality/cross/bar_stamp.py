"""Bars stamped at their end, or in another time zone: shifted by a whole step they agree with the trades."""

from __future__ import annotations

import polars as pl

from quality.cross.look import Look
from quality.frames import rebuilt, with_day
from quality.rule import DayRule, Severity

RULE = DayRule("bar_stamp", "bars stamped at their start, in UTC", Severity.ERROR, most=0)
HOUR_S = 3_600
LEAST = 20           # bars that must be there to tell
AGREE, DISAGREE = 0.9, 0.5
_ON = ("instrument", "ts_event")


def look(bars: pl.DataFrame, trades: pl.DataFrame, days: pl.DataFrame, interval_s: int) -> Look:
    """All bars of the days, where they agree with the trades only if shifted; `shift_s` tells by how much they are
    late."""
    shift = shift_s(bars, rebuilt(trades, interval_s), interval_s)
    here = with_day(bars).join(days, on=["instrument", "day"], how="semi")
    wrong = here if shift else here.clear()
    return Look(RULE, wrong.select("instrument", "day", "ts_event", pl.lit(shift).alias("shift_s")), days)


def shift_s(bars: pl.DataFrame, made: pl.DataFrame, interval_s: int) -> int:
    """Seconds by which the stamps are late, 0 where they are right or nothing can be told."""
    if _agreement(bars, made, 0) >= DISAGREE:
        return 0
    zones = [sign * hours * HOUR_S // 2 for hours in range(1, 29) for sign in (1, -1)]
    for shift in dict.fromkeys([interval_s, -interval_s, *zones]):
        if shift % interval_s == 0 and _agreement(bars, made, shift) >= AGREE:
            return shift
    return 0


def _agreement(bars: pl.DataFrame, made: pl.DataFrame, shift: int) -> float:
    """Share of bars equal in all prices, of those that both have; 1 at no shift where they are too few to tell."""
    moved = bars.with_columns(pl.col("ts_event") - shift * 10**9)
    both = moved.filter(pl.col("volume") > 0).join(made, on=_ON, how="inner", suffix="_made")
    if both.height < LEAST:
        return 0.0 if shift else 1.0
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_made") for name in ("open", "high", "low", "close"))
    return float(both.select(same.mean()).item())

"""A long silence with an absurd price after it: two histories under one symbol."""

from __future__ import annotations

import polars as pl

from market.lives import suspicious
from quality.cross.look import Look
from quality.frames import with_day
from quality.rule import DayRule

RULE = DayRule("symbol_reuse", "no silence of a day with a price after it that no market makes", most=0)


def look(bars: pl.DataFrame, days: pl.DataFrame) -> Look:
    """First bars after such silences; `bars` should begin with the last bar before the first day."""
    found = pl.DataFrame(
        [
            {"instrument": one.instrument, "ts_event": one.resumed, "silent_hours": round(one.silent_hours, 1),
             "log_return": round(one.log_return, 3), "power_of_ten": one.power_of_ten}
            for one in suspicious(bars)
        ],
        schema={"instrument": pl.UInt32, "ts_event": pl.Int64, "silent_hours": pl.Float64, "log_return": pl.Float64,
                "power_of_ten": pl.Int64},
    )
    return Look(RULE, with_day(found).join(days, on=["instrument", "day"], how="semi"), days)

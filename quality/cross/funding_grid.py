"""Funding stamped in another time zone: all settlements of a span are off the venue's hours by the same hours."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from quality.cross.look import Look
from quality.frames import with_day
from quality.rule import DayRule, Severity
from venues.facts import Facts

RULE = DayRule("funding_shift", "settlements at the venue's hours, UTC", Severity.ERROR, most=0)
LEAST = 6        # settlements that must be there to tell
SHARE = 0.95     # of them that must agree: venues settle late now and then
HOUR_NS = 3_600 * 10**9


def look(funding: pl.DataFrame, days: pl.DataFrame, facts: Facts) -> Look:
    """All settlements of the days, where nearly every one is off by the same hours; `shift_h` tells by how many."""
    rule = RULE if facts.funding_documented else replace(RULE, severity=Severity.WARNING)
    shift = shift_h(funding["ts_event"], facts)
    here = with_day(funding).join(days, on=["instrument", "day"], how="semi")
    wrong = here if shift else here.clear()
    return Look(rule, wrong.select("instrument", "day", "ts_event", pl.lit(shift).alias("shift_h")), days)


def shift_h(times: pl.Series, facts: Facts) -> int:
    """Hours by which nearly all stamps are late, modulo the venue's grid; 0 where right, or where nothing tells."""
    if len(times) < LEAST:
        return 0
    grid, first = facts.funding_grid_h, min(facts.funding_hours, default=0)
    hours = ((times + HOUR_NS // 2) // HOUR_NS - first) % grid
    usual = int(hours.mode().min())  # type: ignore[arg-type]  # of integers, at least LEAST of them
    return usual if (hours == usual).sum() >= SHARE * len(times) else 0

"""What a cross check saw, and the library's verdict on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from quality import library
from quality.gate import NAMED, Finding
from quality.rule import DayRule

KEY = ("instrument", "day")


@dataclass(frozen=True, slots=True)
class Look:
    """One check: the rows that break its rule, on the days on which it could be made."""

    rule: DayRule
    wrong: pl.DataFrame  # `instrument, day` and the columns that name a row
    days: pl.DataFrame   # `instrument, day`


def judged(looks: Sequence[Look]) -> list[Finding]:
    """A finding for each look and each of its days; the library is asked once for all."""
    rules: dict[str, DayRule] = {}
    for look in looks:
        rules.setdefault(look.rule.name, look.rule)
    if not rules:
        return []
    days = pl.concat(look.days.select(KEY) for look in looks).unique(maintain_order=True)
    table = days.with_row_index("row")
    for name in rules:
        parts = [look.wrong.select(KEY) for look in looks if look.rule.name == name]
        counts = pl.concat(parts).group_by(KEY).agg(pl.len().cast(pl.Float64).alias(name))
        table = table.join(counts, on=KEY, how="left", maintain_order="left")
    table = table.with_columns(pl.col(list(rules)).fill_null(0.0))
    broken = library.broken(table.drop(KEY), list(rules.values()))
    place = {(instrument, day): row for row, instrument, day in table.select("row", *KEY).rows()}
    return [
        _finding(look, instrument, day, place[instrument, day] in broken.get(look.rule.name, set()))
        for look in looks for instrument, day in look.days.select(KEY).rows()
    ]


def _finding(look: Look, instrument: int, day: date, failed: bool) -> Finding:
    rule = look.rule
    if not failed:
        return Finding(rule.name, rule.severity, instrument, day, 0, "", rule.expected)
    wrong = look.wrong.filter((pl.col("instrument") == instrument) & (pl.col("day") == day))
    named = tuple(
        ", ".join(f"{key}={value}" for key, value in row.items())
        for row in wrong.drop(KEY).head(NAMED).iter_rows(named=True)
    )
    return Finding(rule.name, rule.severity, instrument, day, wrong.height, "; ".join(named[:3]), rule.expected, named)

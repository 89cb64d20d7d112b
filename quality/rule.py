"""What a dataset is expected to be: rules for rows and rules for days, each with what follows where it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import polars as pl

from market.dataset import Dataset

if TYPE_CHECKING:
    from market.instrument import Instrument
    from venues.facts import Facts


class Severity(IntEnum):
    """What a failure means; the numbers are those of `quality_results.severity`."""

    INFO = 1      # noted
    WARNING = 2   # noted; a day that fails is published as partial
    ERROR = 3     # cannot be genuine: the row is quarantined, and its day with it


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the data before it is judged."""

    life: Instrument
    facts: Facts
    interval_s: int = 60   # of bars
    series: str = ""
    listed_ns: int = 0     # when trading began, 0: as the life says
    asked_ns: int = 0      # the source's clock after the last row came, 0 where it is not known

    @property
    def begin_ns(self) -> int:
        """When trading began, 0 where nobody says."""
        return self.listed_ns or self.life.listed


@dataclass(frozen=True, slots=True)
class RowRule:
    """A row for which `failing` is true breaks the rule; null counts as false."""

    name: str              # reason in `quarantine`, check in `quality_results`
    failing: pl.Expr       # over the prepared frame of one instrument
    expected: str          # what a genuine row is
    severity: Severity = Severity.ERROR
    shows: tuple[str, ...] = ()  # columns that a report of a failing row names beside the key


@dataclass(frozen=True, slots=True)
class DayRule:
    """A day whose `name` in the suite's summary lies outside the bounds breaks the rule."""

    name: str
    expected: str          # what a genuine day is
    severity: Severity = Severity.WARNING
    least: float | None = None
    most: float | None = None
    whole_day: bool = False  # broken at ERROR, every row of the day is rejected


@dataclass(frozen=True, slots=True)
class Suite:
    """The expectations of one dataset in one context."""

    dataset: Dataset
    key: tuple[str, ...]          # columns that name a row in a report
    rows: tuple[RowRule, ...]
    days: tuple[DayRule, ...]
    prepare: Callable[[pl.DataFrame], pl.DataFrame]  # rows of one instrument: sorted, with helper columns
    metrics: tuple[pl.Expr, ...]  # aggregations of the prepared rows by day
    derived: tuple[pl.Expr, ...]  # over the summary: `rows`, `expected` and the metrics, 0 for a day without rows
    expected_rows: Callable[[int], int]  # rows of the whole day that begins at these ns, 0 where nobody can know

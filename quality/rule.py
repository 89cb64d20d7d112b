"""One expectation of a dataset, and what follows where a row does not meet it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

if TYPE_CHECKING:
    from market.instrument import Instrument
    from venues.facts import Facts


class Severity(IntEnum):
    """What a failure means; the numbers are those of `quality_results.severity`."""

    INFO = 1      # noted
    WARNING = 2   # noted; a day that fails is published as partial
    ERROR = 3     # the row is quarantined, and its day with it

    @property
    def library_name(self) -> str:
        """Great Expectations' word for it."""
        return {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ERROR: "critical"}[self]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the data before it is judged."""

    life: Instrument
    facts: Facts
    interval_s: int = 60   # of bars, open interest and series
    series: str = ""
    listed_ns: int = 0     # when trading began, 0 where nobody says


@dataclass(frozen=True, slots=True)
class Rule:
    """An expectation of Great Expectations by its class name and arguments; evaluated row by row."""

    name: str                 # reason in `quarantine`, check in `quality_results`
    expectation: str          # e.g. "ExpectColumnValuesToBeBetween"
    arguments: dict[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.ERROR


class Suite(Protocol):
    """The expectations of a dataset, at two grains; each a module in `quality/suites/`."""

    ROWS: tuple[Rule, ...]
    DAYS: tuple[Rule, ...]

    @staticmethod
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        """The rows with the helper columns that the rules name; needs and keeps `instrument`, `day`, `row`."""
        ...

    @staticmethod
    def summarise(frame: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
        """One row for each (instrument, day) of `days`, counting what `frame` holds of it."""
        ...

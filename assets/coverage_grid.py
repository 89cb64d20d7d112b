"""What is whole: one dataset of one venue as a grid of instruments and days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.uint8]


class Mark(IntEnum):
    """State of a day of an instrument, the lightest first; the worst of several is their maximum."""

    NOT_DUE = 0         # before the listing or after the delisting
    VERIFIED_EMPTY = 1
    COMPLETE = 2
    PARTIAL = 3
    MISSING = 4         # the ingest log says so, or says nothing
    QUARANTINED = 5

    @property
    def label(self) -> str:
        """As people read it: "verified empty"."""
        return self.name.lower().replace("_", " ")

    @property
    def is_hole(self) -> bool:
        """Whether readers refuse such a day."""
        return self >= Mark.PARTIAL


def name_of(venue: str, dataset: str) -> str:
    """What people call a dataset of a venue; a series belongs to none."""
    return dataset if dataset.startswith(f"{venue}/") else f"{venue} {dataset}"


@dataclass(frozen=True, slots=True)
class Row:
    """One life of a symbol."""

    instrument: int
    name: str  # the symbol; with its id where the symbol had several lives


@dataclass(frozen=True, slots=True)
class Hole:
    """Days in a row of one instrument that are not whole, for one reason."""

    row: Row
    mark: Mark
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """`marks[row, day]` holds `Mark`s; column 0 is `first`, both ends are inclusive."""

    dataset: str
    venue: str
    first: date
    rows: tuple[Row, ...]
    marks: Marks
    never: tuple[str, ...] = ()  # living instruments of the venue that this dataset was never asked for

    @property
    def name(self) -> str:
        """`binance bars`, `series/fear_greed`."""
        return name_of(self.venue, self.dataset)

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=self.marks.shape[1] - 1)

    @property
    def first_told(self) -> date:
        """The first day on which any of its instruments is other than missing."""
        told = np.flatnonzero(((self.marks != Mark.MISSING) & (self.marks != Mark.NOT_DUE)).any(axis=0))
        return self._day(int(told[0])) if told.size else self.last

    def counts(self) -> dict[Mark, int]:
        """Instrument days of each state, zeros included."""
        found = np.bincount(self.marks.ravel(), minlength=len(Mark))
        return {mark: int(found[mark]) for mark in Mark}

    @property
    def due(self) -> int:
        """Instrument days on which there should be something."""
        return int(np.count_nonzero(self.marks != Mark.NOT_DUE))

    @property
    def whole(self) -> int:
        """Due instrument days that readers take."""
        return int(np.count_nonzero((self.marks == Mark.COMPLETE) | (self.marks == Mark.VERIFIED_EMPTY)))

    @property
    def share(self) -> float:
        """Whole of due, 1 where nothing is due."""
        return self.whole / self.due if self.due else 1.0

    @property
    def percent(self) -> str:
        """`99.98 %`, rounded down: what is not whole never reads as 100 %."""
        return f"{self.whole * 10_000 // self.due / 100:.2f} %" if self.due else "100.00 %"

    def holes(self) -> list[Hole]:
        """Runs of days that are not whole, by their first day and then by instrument."""
        found = []
        for row, line in zip(self.rows, self.marks, strict=True):
            edges = [0, *(np.flatnonzero(np.diff(line)) + 1).tolist(), len(line)]
            for start, end in pairwise(edges):
                mark = Mark(int(line[start])) if end > start else Mark.NOT_DUE
                if mark.is_hole:
                    found.append(Hole(row, mark, self._day(start), self._day(end - 1)))
        return sorted(found, key=lambda hole: (hole.first, hole.row.name))

    def part(self, first: date, last: date, instruments: Sequence[int] = ()) -> Grid:
        """The grid cut to the days [first, last] that it has, and to `instruments` where some are named."""
        start = max(0, (first - self.first).days)
        end = max(start, min(self.marks.shape[1], (last - self.first).days + 1))
        chosen = [at for at, row in enumerate(self.rows) if not instruments or row.instrument in instruments]
        rows = tuple(self.rows[at] for at in chosen)
        return Grid(self.dataset, self.venue, self._day(start), rows, self.marks[chosen, start:end], self.never)

    def _day(self, at: int) -> date:
        return self.first + timedelta(days=at)


_UNITS: dict[str, Callable[[date], bool]] = {
    "day": lambda _: True,
    "week": lambda day: day.weekday() == 0,
    "month": lambda day: day.day == 1,
    "quarter": lambda day: day.day == 1 and day.month % 3 == 1,
    "year": lambda day: day.day == 1 and day.month == 1,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Days put together so that a grid fits: `starts` are the first days' places in it."""

    unit: str  # "day", "week", "month", "quarter", "year"
    starts: tuple[int, ...]


def columns(first: date, days: int, most: int) -> Columns:
    """The finest of day, week (from Monday), month, quarter and year that needs at most `most` columns.

    Years where none does.
    """
    every = [first + timedelta(days=at) for at in range(days)]
    for unit, begins in _UNITS.items():
        starts = tuple(at for at, day in enumerate(every) if at == 0 or begins(day))
        if len(starts) <= most or unit == "year":
            break
    return Columns(unit, starts)


def worst(marks: Marks, starts: Sequence[int]) -> Marks:
    """The worst mark of each column: one bad day of a year is seen. No column where there is no day."""
    if not marks.size:
        return np.zeros((marks.shape[0], 0), np.uint8)
    return np.maximum.reduceat(marks, list(starts), axis=1)

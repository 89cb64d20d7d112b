"""From when to when a file tells, where its path does not say it: days outside are not empty, they are not told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from market.dataset import Dataset, clock
from venues.files.paths import DAY_NS

if TYPE_CHECKING:
    from venues.files.format import Part
    from venues.source import Request


@dataclass(frozen=True, slots=True)
class Extent:
    """The whole days from the first to the last row, [start, end) ns; both 0 for a file without a row."""

    start: int
    end: int

    def __str__(self) -> str:
        """For people: first and last day."""
        if not self.end:
            return "it holds nothing of this kind"
        first, last = (datetime.fromtimestamp(ns // 10**9, UTC).date() for ns in (self.start, self.end - 1))
        return f"it tells of {first} to {last} only"

    def reaches(self, start: int, end: int) -> bool:
        """Whether any of [start, end) lies inside."""
        return self.start < end and start < self.end


def measure(parts: Iterable[Part], request: Request) -> Extent:
    """The extent of the rows of the request's dataset and series; rows without a time do not count."""
    name, first, last = clock(request.dataset), 0, 0
    for part in parts:
        if part.dataset is not request.dataset:
            continue
        rows = part.frame.lazy().filter(pl.col(name) > 0)
        if request.dataset is Dataset.SERIES:
            rows = rows.filter(pl.col("series") == request.series)
        low, high = rows.select(low=pl.col(name).min(), high=pl.col(name).max()).collect().row(0)
        if low is not None:
            first, last = min(first or low, low), max(last, high)
    return Extent(first // DAY_NS * DAY_NS, (last // DAY_NS + 1) * DAY_NS) if last else Extent(0, 0)

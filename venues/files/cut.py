"""A file's rows, cut to what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset, clock
from venues.files.errors import FileCode

if TYPE_CHECKING:
    from venues.files.format import Part
    from venues.source import Request

_EXTRA = ("line", "symbol")  # what the checks look at beside the dataset's columns


class Cut:
    """Rows of one request, out of the parts of its files.

    `margin` ns: how far from its day a file may have rows. `file_symbol`: what its rows may call the instrument.
    """

    def __init__(self, request: Request, margin: int, source: str, file_symbol: str = "") -> None:
        self._request = request
        self._source = source
        self._symbol = file_symbol
        self._margin = margin
        self._clock = clock(request.dataset)
        self._intervals: set[int] = set()

    def rows(self, part: Part, start: int, end: int, *, inside: bool) -> pl.DataFrame:
        """The part's rows that were asked for; [start, end) is what its file is for.

        Rows far outside that are faults of the file: they go to the request that has the near end of it.
        """
        request, stamp = self._request, pl.col(self._clock)
        frame = part.frame
        if part.dataset is not request.dataset:
            return frame.clear()
        keep = (stamp >= request.start) & (stamp < request.end)
        if inside:
            if request.start <= start:
                keep |= stamp < start - self._margin
            if end <= request.end:
                keep |= stamp >= end + self._margin
        if request.dataset is Dataset.SERIES:
            keep &= pl.col("series") == request.series
        if request.dataset is Dataset.BARS:
            self._intervals |= set(frame["interval_s"].unique())
            keep &= pl.col("interval_s") == request.interval_s
        extra = [pl.col(name) for name in _EXTRA if name in frame.columns]
        if self._symbol and "symbol" in frame.columns:  # what the publisher calls it is the right name
            ours = pl.lit(request.life.venue_symbol)
            extra[-1] = pl.when(pl.col("symbol") == self._symbol).then(ours).otherwise("symbol").alias("symbol")
        schema = SCHEMAS[request.dataset]
        columns = [pl.col(name).cast(kind) for name, kind in schema.items() if name != "source"]
        return frame.lazy().filter(keep).select(*columns, pl.lit(self._source).alias("source"), *extra).collect()

    def finish(self, file: str) -> None:
        """FILE_NOT_DATA where the files had bars, but none of the interval."""
        if self._intervals and self._request.interval_s not in self._intervals:
            told = ", ".join(str(seconds) for seconds in sorted(self._intervals))
            problem = f"bars of {told} s, not of {self._request.interval_s} s: set the option interval_s"
            raise TickhouseError(FileCode.FILE_NOT_DATA, file=file, problem=problem, excerpt="")

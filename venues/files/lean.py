"""QuantConnect Lean's crypto folders: text without a header, times in UTC.

Minute and second files count milliseconds from the midnight of the day in their name; hour and daily files write
`20221213 14:00`. A minute in which nothing happened has no row. A quote bar becomes the quote of its last nanosecond,
so that it stays in its day; an empty side is price 0, quantity 0. Sizes of quotes carry traces of sums: set `rounded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.files import column_map, intervals, table, times
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped

BAR = ("open", "high", "low", "close", "volume")
SIDES = tuple(f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close", "size"))
_DAY = re.compile(r"(?<![0-9])((?:19|20)\d{6})(?![0-9])")
_RESOLUTION = re.compile(r"(?<![a-z])(second|minute|hour|daily)(?![a-z])")
_LENGTHS = {"second": 1, "minute": 60, "hour": 3_600, "daily": 86_400}


@dataclass(frozen=True, slots=True)
class Lean:
    """One of the three kinds of file."""

    name: str
    datasets: tuple[Dataset, ...]
    columns: tuple[str, ...]

    def read(self, file: Opened) -> Iterator[Part]:
        """The rows; FILE_NOT_DATA where milliseconds are counted from a midnight that the name does not tell."""
        layout = table.Layout((("time", *self.columns),), table.Header.NONE)
        mapped: Mapped | None = None
        for batch in table.rows(file, layout):
            rows = batch.with_columns(_stamps(file, batch).alias("ts"))
            mapped = mapped or Mapped(file, self._map(file, rows["ts"]))
            if self.datasets == (Dataset.QUOTES,):
                rows = rows.with_columns(
                    pl.when(pl.col(name) == "").then(pl.lit("0")).otherwise(pl.col(name)).alias(name)
                    for name in ("bid_close", "bid_size", "ask_close", "ask_size")
                )
            for part in mapped.parts(rows):
                yield self._at_end(file, part)

    def _map(self, file: Opened, stamps: pl.Series) -> column_map.ColumnMap:
        dataset = self.datasets[0]
        columns = {
            Dataset.BARS: {name: name for name in BAR},
            Dataset.QUOTES: {
                "bid_price": "bid_close", "bid_qty": "bid_size", "ask_price": "ask_close", "ask_qty": "ask_size",
            },
            Dataset.FUNDING_RATES: {"rate": "rate"},
        }[dataset]
        length = _length(file, stamps) if dataset is Dataset.BARS else None
        return column_map.of(
            {"dataset": dataset, "columns": {"ts_event": "ts", **columns}, "time": "ns", "interval_s": length,
             **column_map.numbers(file.options)},
            file.name,
        )

    def _at_end(self, file: Opened, part: Part) -> Part:
        if part.dataset is not Dataset.QUOTES:
            return part
        last = intervals.ends(part.frame["ts_event"], _length(file, part.frame["ts_event"])) - 1
        return Part(part.dataset, part.frame.with_columns(last.alias("ts_event"), last.alias("ts_recv")))


def _length(file: Opened, stamps: pl.Series) -> int:
    """Seconds of a bar: an option, or the resolution in the path (the archive's or its member's)."""
    told = file.options.get("interval_s")
    length = intervals.seconds(told) if isinstance(told, str) else told
    resolution = set(_RESOLUTION.findall(file.name.lower()))
    if not length and len(resolution) == 1:
        length = _LENGTHS[resolution.pop()]
    return length or intervals.find(file.name, None, stamps)


def _stamps(file: Opened, batch: pl.DataFrame) -> pl.Series:
    text = batch["time"].str.strip_chars()
    written = times.nanoseconds(text, "%Y%m%d %H:%M")
    written = written.zip_with(written.is_not_null(), times.nanoseconds(text, "%Y%m%d %H:%M:%S"))
    if written.null_count() == 0:
        return written
    counted = text.cast(pl.Int64, strict=False)
    if counted.is_null().any() or ((counted < 0) | (counted >= times.DAY_NS // 1_000_000)).any():
        at = (counted.is_null() | (counted < 0) | (counted >= times.DAY_NS // 1_000_000)).arg_max()
        at = written.is_null().arg_max() if written.is_not_null().any() else at
        raise TickhouseError(
            FileCode.FILE_ROW_BAD, file=file.name, line=batch[table.LINE][at or 0], value=batch["time"][at or 0],
            problem="neither milliseconds since midnight nor a time like 20221213 14:00",
        )
    days = set(_DAY.findall(file.name)) | ({str(file.options["day"])} if "day" in file.options else set())
    midnight = times.nanoseconds(pl.Series(sorted(days)), "%Y%m%d") if len(days) == 1 else pl.Series([None])
    if midnight[0] is None:
        raise TickhouseError(
            FileCode.FILE_NOT_DATA, file=file.name,
            problem='the name tells no day whose milliseconds these are: set the option day = "20221213"',
        )
    return counted * 1_000_000 + int(midnight[0])

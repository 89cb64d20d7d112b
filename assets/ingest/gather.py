"""Batches of a source brought together by day: in memory while they are few, on disk beyond that."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from assets.ingest import days as calendar
from market.dataset import SCHEMAS, Dataset, clock

if TYPE_CHECKING:
    import pyarrow as pa

SPILL_ROWS = 2_000_000  # held in memory at most, before rows go to a file a day


def gather(
    batches: Iterable[pl.DataFrame], dataset: Dataset, days: Sequence[date], staging: Path
) -> Iterator[tuple[Sequence[date], pl.DataFrame]]:
    """All days in one frame with `day` added where they are small; else day by day, from files that are mapped.

    The batches are read to their end before anything is given: a file that breaks at its last line gives nothing.
    """
    parts: list[pl.DataFrame] = []
    rows = 0
    with ExitStack() as stack:
        spill: _Spill | None = None
        for batch in batches:
            if batch.is_empty():
                continue
            parts.append(with_day(batch, dataset, days))
            rows += batch.height
            if rows > SPILL_ROWS:
                spill = spill or _Spill(stack.enter_context(_folder(staging)))
                spill.take(pl.concat(parts, how="diagonal"))
                parts, rows = [], 0
        if spill is None:
            empty = pl.DataFrame(schema=SCHEMAS[dataset])
            yield days, pl.concat(parts, how="diagonal") if parts else with_day(empty, dataset, days)
            return
        if parts:
            spill.take(pl.concat(parts, how="diagonal"))
        for day in days:
            found = spill.read(day)
            yield [day], with_day(pl.DataFrame(schema=SCHEMAS[dataset]), dataset, days) if found is None else found


def with_day(frame: pl.DataFrame, dataset: Dataset, days: Sequence[date]) -> pl.DataFrame:
    """Adds each row's day; a row outside the wanted days goes to the nearest, where the gate finds it."""
    day = (pl.col(clock(dataset)) // calendar.DAY_NS).cast(pl.Int32).cast(pl.Date)
    return frame.with_columns(day=day.clip(days[0], days[-1]))


class _Spill:
    """Rows by day, each day an uncompressed Arrow file: mapped when it is read, so that memory holds only its pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._source = ""
        self._writers: dict[date, tuple[Any, pa.RecordBatchFileWriter]] = {}

    def take(self, frame: pl.DataFrame) -> None:
        import pyarrow as pa

        for (day,), part in frame.partition_by("day", as_dict=True, maintain_order=True).items():
            # The one column of text says the same in each row: it is left out, and given back as one value.
            self._source = part["source"][0]
            table = part.drop("source").to_arrow(compat_level=pl.CompatLevel.oldest())
            if day not in self._writers:
                # Through Python's own file: a full disk is then an OSError with its number.
                file = (self._folder / f"{day}.arrow").open("wb")
                self._writers[day] = (file, pa.ipc.new_file(file, table.schema))
            self._writers[day][1].write_table(table)

    def read(self, day: date) -> pl.DataFrame | None:
        """The day's rows; None where it has none."""
        if day not in self._writers:
            return None
        import pyarrow as pa

        file, writer = self._writers.pop(day)
        writer.close()
        file.close()
        with pa.ipc.open_file(pa.memory_map(str(self._folder / f"{day}.arrow"))) as reader:
            mapped = pl.from_arrow(reader.read_all(), rechunk=False)
        return pl.DataFrame(mapped).with_columns(source=pl.lit(self._source))


@contextmanager
def _folder(staging: Path) -> Iterator[Path]:
    """A folder of this process that is gone afterwards; those of processes that were killed go first."""
    base = staging / "days"
    base.mkdir(parents=True, exist_ok=True)
    for old in base.iterdir():
        owner = old.name.partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

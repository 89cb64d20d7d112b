"""What each day of a chunk holds, as a hash: all days of a chunk at once, because one at a time costs more than all."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from market.dataset import SCHEMAS, Dataset, clock
from store.content import content_hash, is_ordered
from store.datasets import KEYS

if TYPE_CHECKING:
    from datetime import date

HUGE_ROWS = 1_000_000
_HOUR_NS = 3_600_000_000_000


def by_day(frame: pl.DataFrame, dataset: Dataset) -> dict[date, str]:
    """Hash of the rows of each day that has some, hex: the same whatever their order, source and place in a file."""
    names = [name for name in SCHEMAS[dataset] if name != "source"]
    numbers = [name for name in names if pl.DataFrame(schema=SCHEMAS[dataset])[name].dtype.is_numeric()]
    if frame.height > HUGE_ROWS or any(frame[name].dtype.is_nested() for name in names):
        days = frame["day"].unique(maintain_order=True)
        return {day: _by_hour(frame.filter(pl.col("day") == day).select(names), clock(dataset)) for day in days}
    words = sorted(f"{name}={word}" for name in set(names) - set(numbers) for word in frame[name].unique())
    order = ["day", *KEYS[dataset]]
    if not is_ordered(frame, order):
        frame = frame.sort([*order, *(name for name in numbers if name not in order)], maintain_order=True)
    columns = [(name, frame[name].to_numpy()) for name in numbers]
    codes = frame["day"].to_physical().to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1)) if len(codes) else np.empty(0, np.int64)
    ends = [*starts[1:], len(codes)]
    return {
        day: _hash(words, [(name, values[start:end]) for name, values in columns])
        for day, start, end in zip(frame["day"].gather(starts), starts, ends, strict=True)
    }


def _hash(words: list[str], columns: list[tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256("\0".join(words).encode())
    for name, values in columns:
        digest.update(f"\0{name}:{values.dtype}:{len(values)}\0".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _by_hour(rows: pl.DataFrame, time: str) -> str:
    """Hour by hour, so that no more than one of them is sorted at a time."""
    hour = pl.col(time) // _HOUR_NS
    hours = rows.select(hour.unique().sort()).to_series()
    digests = [content_hash(rows.filter(hour == one)) for one in hours]
    return hashlib.sha256("".join(digests).encode()).hexdigest()

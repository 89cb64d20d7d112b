"""A year of one-minute bars into a frame, as of a time, against a plain SELECT of the same rows."""

from __future__ import annotations

import statistics
import time
from datetime import date
from typing import TYPE_CHECKING

from assets.bench import made, tables
from assets.bench.errors import BenchCode
from assets.bench.report import Result, memory_free
from infra.errors import TickhouseError
from market.dataset import Dataset
from store import datasets, reader

if TYPE_CHECKING:
    import polars as pl

    from assets.bench.place import Place

DAYS = 365
_FIRST = date(2023, 1, 1)
_FIRST_ID = 101
_BYTES_A_ROW = 500  # at the worst moment: the server's blocks, the Arrow bytes, the frame


def measure(place: Place, *, instruments: int, repetitions: int) -> list[Result]:
    """Rows/s and seconds; fewer instruments, told by the name, where memory is short."""
    room = int(memory_free() // (_BYTES_A_ROW * DAYS * 1440)) or instruments
    lives = list(range(_FIRST_ID, _FIRST_ID + min(instruments, room)))
    rows = tables.bars(place.client, lives, _FIRST, DAYS, 60)
    start, end = made.start_ns(_FIRST), made.start_ns(_FIRST) + DAYS * made.DAY_NS
    spent: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(repetitions):
        for side in ("ours", "plain") if number % 2 == 0 else ("plain", "ours"):
            began = time.perf_counter()
            frame = _ours(place, lives, start, end) if side == "ours" else _plain(place, lives)
            spent[side].append(time.perf_counter() - began)
            if frame.height != rows:
                raise TickhouseError(BenchCode.BENCH_SIDES_DIFFER, side=side, wanted=rows, read=frame.height)
            del frame
    name = f"year_of_minutes_{len(lives)}_instruments_as_of"
    took, base = (statistics.median(spent[side]) for side in ("ours", "plain"))
    return [
        Result(f"{name}_rows", rows / took, "rows/s", None, "higher", rows / base),
        Result(f"{name}_seconds", took, "s", None, "lower", base),
        Result(f"{name}_slowest", max(spent["ours"]), "s", None, "lower", max(spent["plain"])),
    ]


def _ours(place: Place, lives: list[int], start: int, end: int) -> pl.DataFrame:
    """The reader: only whole days, of each bar the latest revision known at that time."""
    return datasets.read(place.client, Dataset.BARS, lives, start, end, as_of_ns=end)


def _plain(place: Place, lives: list[int]) -> pl.DataFrame:
    """Whatever the table holds of them."""
    return reader.query(place.client, "SELECT * FROM bars WHERE instrument IN {lives:Array(UInt32)}", {"lives": lives})

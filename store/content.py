"""What a frame holds, as one hash: to tell whether an answer is the one that we have."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

# Columns that come first in the canonical order: frames are mostly sorted by them already, and need no sorting.
_FIRST = ("series", "instrument", "interval_s", "ts_event", "ts_recv", "seq", "trade_id", "last_seq", "side", "price")
_FEW = 1_000  # runs that are worth putting side by side instead of sorting their rows


def content_hash(frame: pl.DataFrame) -> str:
    """Hash of the rows, whatever their order and that of the columns, without `ts_stored`; hex.

    Columns are numbers, times, booleans, strings, and lists of structs of numbers (levels of a book). The same rows in
    other integer widths hash differently. Rows that are equal but in their lists are taken in the order they come.
    """
    names = sorted(name for name in frame.columns if name != "ts_stored")
    order = [name for name in (*_FIRST, *names) if name in names and not frame[name].dtype.is_nested()]
    order = list(dict.fromkeys(order))
    ordered = frame if not order or is_ordered(frame, order) else frame.sort(order, maintain_order=True)
    with ThreadPoolExecutor(2) as pool:  # hashing leaves the interpreter free
        digests = pool.map(_column_hash, (ordered[name] for name in names))
        digest = hashlib.sha256(str(ordered.height).encode())
        for part in digests:
            digest.update(part)
    return digest.hexdigest()


def is_ordered(frame: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether each row comes strictly after the one before, by these columns in turn; then no row repeats a key."""
    return not breaks(frame, columns)


def breaks(frame: pl.DataFrame, columns: Sequence[str]) -> list[int]:
    """Rows that do not come strictly after the one before."""
    after: pl.Expr = pl.lit(value=False)
    for name in reversed(columns):
        before = pl.col(name).shift()
        after = (pl.col(name) > before) | ((pl.col(name) == before) & after)
    if frame.height < 2:
        return []
    rows = frame.lazy().select((~after.fill_null(value=False)).slice(1).arg_true() + 1).collect()
    return rows.to_series().to_list()


def in_order(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows sorted by these columns; cheap where they come in few runs, as the parts of a table give them."""
    edges = breaks(frame, columns)
    if not edges:
        return frame
    if len(edges) < _FEW:
        runs = [frame[start:end] for start, end in pairwise([0, *edges, frame.height])]
        runs.sort(key=lambda run: run.select(columns).row(0))
        whole = pl.concat(runs)
        if is_ordered(whole, columns):
            return whole
    return frame.sort(columns)


def _column_hash(column: pl.Series) -> bytes:
    digest = hashlib.sha256(f"\0{column.name}:{column.dtype}\0".encode())
    if isinstance(column.dtype, pl.List):
        digest.update(column.list.len().to_numpy().tobytes())
        flat = column.explode()
        inner = flat.struct.unnest() if isinstance(flat.dtype, pl.Struct) else flat.to_frame()
        for part in inner:
            digest.update(_column_hash(part))
    elif column.dtype.is_numeric() or column.dtype.is_temporal():
        digest.update(column.is_null().to_numpy().tobytes() if column.null_count() else b"")
        digest.update(column.to_physical().fill_null(0).to_numpy().data)
    else:  # runs: a column of one word is hashed once
        digest.update(column.rle().struct.unnest().write_csv(include_header=False).encode())
    return digest.digest()

"""What a frame holds, as one hash: to tell whether an answer is the one that we have."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import polars as pl

# Columns that come first in the canonical order: frames are mostly sorted by them already, and need no sorting.
_FIRST = ("series", "instrument", "interval_s", "ts_event", "ts_recv", "seq", "trade_id", "last_seq", "side", "price")


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


def is_ordered(frame: pl.DataFrame, columns: list[str] | tuple[str, ...]) -> bool:
    """Whether each row comes strictly after the one before, by these columns in turn; then no row repeats a key."""
    after: pl.Expr = pl.lit(value=False)
    for name in reversed(columns):
        before = pl.col(name).shift()
        after = (pl.col(name) > before) | ((pl.col(name) == before) & after)
    return frame.height < 2 or bool(frame.lazy().select(after.slice(1).fill_null(value=False).all()).collect().item())


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

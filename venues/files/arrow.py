"""Parquet and Arrow (Feather) files in batches, with their rows numbered; what is broken is FILE_*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.format import BATCH, Opened
from venues.files.table import LINE


def feather(file: Opened) -> Iterator[pl.DataFrame]:
    """Batches of an Arrow IPC file with `line`, the row from 1. FILE_NOT_DATA for another file, FILE_TRUNCATED for
    one that breaks off."""
    start = _magic(file)
    if start[:6] != b"ARROW1":
        raise _other(file, "an Arrow file", start)
    try:
        reader = pa.ipc.open_file(file.content)
        yield from _numbered(reader.get_batch(place) for place in range(reader.num_record_batches))
    except (pa.ArrowException, OSError) as error:
        raise _broken(file, error) from error


def parquet(file: Opened, columns: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
    """Batches of a Parquet file, of these columns if they are there, with `line`; errors as `feather`."""
    start = _magic(file)
    if start[:4] != b"PAR1":
        raise _other(file, "a Parquet file", start)
    try:
        reader = pq.ParquetFile(file.content)
        have = set(reader.schema_arrow.names)
        wanted = [name for name in columns if name in have] if columns else None
        yield from _numbered(reader.iter_batches(BATCH, columns=wanted or None))
    except (pa.ArrowException, OSError) as error:
        raise _broken(file, error) from error


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
    line = 1
    for batch in batches:
        frame = pl.DataFrame(pl.from_arrow(batch))
        frame = frame.with_columns(pl.int_range(line, line + pl.len(), dtype=pl.Int64).alias(LINE))
        yield from frame.iter_slices(BATCH)
        line += frame.height


def _magic(file: Opened) -> bytes:
    start = file.content.tell()
    found = file.content.read(160)
    file.content.seek(start)
    return found


def _other(file: Opened, wanted: str, start: bytes) -> TickhouseError:
    excerpt = start.decode(errors="backslashreplace").replace("\n", "\\n")[:160]
    return TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem=f"not {wanted}", excerpt=excerpt)


def _broken(file: Opened, error: Exception) -> TickhouseError:
    return TickhouseError(FileCode.FILE_TRUNCATED, file=file.name, problem=" ".join(str(error).split())[:200])

"""A file that no format knows: its columns, and the column map that their names propose."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from venues.files import arrow, sqlite, suggest, table
from venues.files.format import Opened

if TYPE_CHECKING:
    from market.instrument import Instrument

_HEAD = 64 << 10
_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A format with options that may read the file, and the columns that were seen."""

    format: str
    options: Mapping[str, Any]


def propose(name: str, content: IO[bytes], life: Instrument) -> Proposal | None:
    """The first proposal that the names of the columns allow; None where they tell nothing."""
    head = content.read(_HEAD)
    content.seek(0)
    file = Opened(name, content, life)
    for kind, options, sample in _samples(file, head):
        found = suggest.column_options(sample)
        if found is not None:
            return Proposal(kind, {**options, **found})
    return None


def _samples(file: Opened, head: bytes) -> Iterator[tuple[str, dict[str, Any], pl.DataFrame]]:
    """Formats, the options that they need beside a map, and the first rows under the names of the file."""
    if head[:4] == b"PAR1":
        yield from (("columns_parquet", {}, batch) for batch in _first(arrow.parquet(file)))
    elif head[:6] == b"ARROW1":
        yield from (("columns_feather", {}, batch) for batch in _first(arrow.feather(file)))
    elif head[:15] == b"SQLite format 3":
        for name in sqlite.tables(file):
            for batch in _first(sqlite.rows(file, name, ())):
                yield "columns_sqlite", {"table": name}, batch
    else:
        yield from _text(file, head)


def _text(file: Opened, head: bytes) -> Iterator[tuple[str, dict[str, Any], pl.DataFrame]]:
    lines = head[: head.rfind(b"\n") + 1] or head
    for banner in range(3):
        start = lines.split(b"\n", banner)[-1]
        first = start.split(b"\n", 1)[0].decode(errors="replace").strip()
        separator = max(_SEPARATORS, key=first.count)
        try:
            names = next(csv.reader([first], delimiter=separator), [])
            if len(names) < 3:
                continue
            layout = table.Layout(separator=separator, banner=banner)
            for batch in table.rows(Opened(file.name, io.BytesIO(lines), file.life), layout):
                options: dict[str, Any] = {"delimiter": separator} if separator != "," else {}
                yield "columns_csv", options | ({"banner": banner} if banner else {}), batch
                break
        except (TickhouseError, csv.Error):
            continue


def _first(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield from (batch.drop(table.LINE).head(1_000) for _, batch in zip(range(1), batches, strict=False))

"""`freqtrade_json`: freqtrade's data in JSON: lists of cells, or ccxt's dictionaries (older files of trades)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.format import BATCH, Opened
from venues.files.freqtrade import Freqtrade
from venues.files.table import LINE

_BESIDE = ("symbol",)  # what older files of trades say of each row


def _rows(file: Opened, names: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """Batches of text columns; `line` is the row from 1. One JSON document is held whole: it has no lines."""
    table = _load(file)
    if table and isinstance(table[0], dict):
        names = (*names, *(name for name in _BESIDE if name in table[0]))
        table = [[_cell(file, row, line, name) for name in names] for line, row in enumerate(table, 1)]
    wrong = next((line for line, row in enumerate(table, 1) if not isinstance(row, list) or len(row) != len(names)), 0)
    if wrong:
        raise TickhouseError(
            FileCode.FILE_ROW_BAD, file=file.name, line=wrong, problem=f"not {len(names)} cells",
            row=str(table[wrong - 1])[:200],
        )
    for start in range(0, len(table), BATCH):
        chunk = table[start:start + BATCH]
        columns = {name: [_text(row[place]) for row in chunk] for place, name in enumerate(names)}
        frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
        yield frame.with_columns(pl.int_range(start + 1, start + 1 + pl.len(), dtype=pl.Int64).alias(LINE))


def _load(file: Opened) -> list[Any]:
    start = file.content.read(160)
    file.content.seek(0)
    excerpt = start.decode(errors="backslashreplace")
    if start.lstrip()[:1] != b"[":
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem="not a JSON list of rows", excerpt=excerpt)
    try:
        found = json.load(file.content)
    except (ValueError, RecursionError) as error:
        raise TickhouseError(
            FileCode.FILE_TRUNCATED, file=file.name, problem=f"not whole JSON: {error}", excerpt=excerpt
        ) from error
    return list(found)


def _cell(file: Opened, row: object, line: int, name: str) -> Any:
    if not isinstance(row, dict) or name not in row:
        raise TickhouseError(FileCode.FILE_ROW_BAD, file=file.name, line=line, problem=f"no {name}", row=str(row)[:200])
    return row[name]


def _text(cell: object) -> str | None:
    return None if cell is None else str(cell)


FORMAT = Freqtrade("freqtrade_json", _rows)

"""Tables of an SQLite file: opened read-only, read in the order of its rows, one batch at a time."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.format import BATCH, Opened
from venues.files.table import LINE

_MAGIC = b"SQLite format 3\0"


def tables(file: Opened) -> list[str]:
    """Names of its tables, sorted. FILE_NOT_DATA where it is no SQLite file."""
    with _connect(file) as connection:
        return _tables(file, connection)


def rows(file: Opened, table: str, wanted: Sequence[str], condition: str = "") -> Iterator[pl.DataFrame]:
    """Batches of text columns `wanted` (names or SQL expressions; none: all) of the rows that meet `condition`.

    `line` is the rowid. A number is the shortest text that reads back as it. FILE_HEADER_CHANGED where table or column
    is missing, FILE_TRUNCATED where the file is damaged.
    """
    last = -(1 << 63)
    with _connect(file) as connection:
        have = [row[1] for row in _ask(file, connection, f"PRAGMA table_info({_quoted(table)})")]
        wanted = wanted or have
        schema = {LINE: pl.Int64, **dict.fromkeys(wanted, pl.String)}
        query = _query(file, connection, table, have, wanted, condition)
        while found := _ask(file, connection, query, (last,)):
            last = found[-1][0]
            cells = [(row[0], *map(_text, row[1:])) for row in found]
            yield pl.DataFrame(cells, schema=schema, orient="row")


def among(lines: Sequence[int]) -> str:
    """The condition that a row is one of these."""
    return f"rowid IN ({', '.join(str(int(line)) for line in lines)})"


def _query(
    file: Opened, connection: sqlite3.Connection, table: str, have: Sequence[str], wanted: Sequence[str], condition: str
) -> str:
    missing = [name for name in wanted if name not in have and "(" not in name]
    if not have or missing:
        raise TickhouseError(
            FileCode.FILE_HEADER_CHANGED, file=file.name, missing=", ".join(missing) if have else f"table {table}",
            found=", ".join(sorted(have) or _tables(file, connection)),
        )
    chosen = ", ".join(["rowid", *(_quoted(name) if name in have else name for name in wanted)])
    filtered = f" AND ({condition})" if condition else ""
    # Names come from the file and from config/sources.toml, which its owner writes; the file is opened read-only.
    return f"SELECT {chosen} FROM {_quoted(table)} WHERE rowid > ?{filtered} ORDER BY rowid LIMIT {BATCH}"  # noqa: S608


def _tables(file: Opened, connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    return [name for (name,) in _ask(file, connection, query)]


@contextlib.contextmanager
def _connect(file: Opened) -> Iterator[sqlite3.Connection]:
    file.content.seek(0)
    if file.content.read(len(_MAGIC)) != _MAGIC:
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem="not an SQLite file")
    file.content.seek(0)
    # SQLite opens paths only; the copy also keeps a file that is being written from changing under us.
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
        shutil.copyfileobj(file.content, copy)
        copy.flush()
        connection = sqlite3.connect(f"{Path(copy.name).as_uri()}?mode=ro&immutable=1", uri=True)
        with contextlib.closing(connection):
            # SQLite reads pages that were never written as rows of nothing: look at the whole file first.
            (verdict,) = _ask(file, connection, "PRAGMA quick_check(1)")[0]
            if verdict != "ok":
                raise TickhouseError(FileCode.FILE_TRUNCATED, file=file.name, problem=verdict)
            yield connection


def _ask(file: Opened, connection: sqlite3.Connection, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.DatabaseError as error:
        raise TickhouseError(FileCode.FILE_TRUNCATED, file=file.name, problem=str(error), query=query) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str | None:
    return None if value is None else value.decode(errors="replace") if isinstance(value, bytes) else str(value)

"""Large readings in pieces: memory stays that of a piece, and a piece without revisions is not sorted twice.

A piece is asked for as it lies in the table. Only where its keys are not unique, because a row was revised or two
ingests met, is it asked for again with ClickHouse choosing among the revisions.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from store.content import in_order, is_ordered
from store.reader import in_range, query, read_latest, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

PIECE_ROWS = 1_000_000
_MANY = 5_000  # instruments in one query's text


@dataclass(frozen=True, slots=True)
class Wish:
    """Rows of a table whose `clock` lies in [start_ns, end_ns), of these instruments, as known and stored by then."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]       # the table's sort key up to `ts_known`; `where` fixes what comes before the instrument
    clock: str
    instruments: tuple[int, ...]
    start_ns: int
    end_ns: int
    where: str                 # further conditions, with `parameters`
    parameters: Mapping[str, Any]
    as_of_ns: int | None = None
    stored_by_ns: int | None = None

    @property
    def conditions(self) -> str:
        """All of it but the moments, as SQL."""
        return f"instrument IN {{instruments:Array(UInt32)}} AND {in_range(self.clock)}{self.where}"

    @property
    def bound(self) -> dict[str, Any]:
        """What is bound to the names in it."""
        return {
            **self.parameters, "instruments": list(self.instruments), "start_ns": self.start_ns, "end_ns": self.end_ns,
        }


def read(client: Client, wish: Wish) -> pl.DataFrame:
    """All rows in one frame, in key order: two pieces at a time, whose sum is all that is held besides."""
    found = pieces(client, wish)
    if len(found) == 1:
        return latest(client, found[0])
    with ThreadPoolExecutor(2) as pool:
        return pl.concat(pool.map(lambda piece: latest(client, piece), found))


def scan(client: Client, wish: Wish) -> Iterator[pl.DataFrame]:
    """The same rows, a piece at a time; at least one frame, empty where there is no row."""
    for piece in pieces(client, wish):
        yield latest(client, piece)


def pieces(client: Client, wish: Wish) -> list[Wish]:
    """The wish in parts of about PIECE_ROWS in key order: several instruments, or times of one."""
    if not wish.instruments or wish.end_ns <= wish.start_ns:
        return [wish]
    counted = query(
        client,
        f"SELECT instrument, count() AS rows FROM {wish.table} WHERE {wish.conditions}"  # noqa: S608 - names of ours
        " GROUP BY instrument ORDER BY instrument",
        wish.bound,
    )
    found: list[Wish] = []
    group: list[int] = []
    size = 0
    for instrument, rows in counted.rows():
        if group and (size + rows > PIECE_ROWS or len(group) == _MANY):
            found.append(replace(wish, instruments=tuple(group)))
            group, size = [], 0
        if rows > PIECE_ROWS:
            found += _in_time(replace(wish, instruments=(instrument,)), -(-rows // PIECE_ROWS))
        else:
            group.append(instrument)
            size += rows
    if group:
        found.append(replace(wish, instruments=tuple(group)))
    return found or [replace(wish, instruments=())]


def latest(client: Client, wish: Wish) -> pl.DataFrame:
    """Of each key the latest revision that was known and stored by the moments asked for; of rivals the first."""
    sql, moments = until(wish.as_of_ns, wish.stored_by_ns)
    plain = query(
        client,
        f"SELECT {', '.join(wish.columns)} FROM {wish.table}"  # noqa: S608 - names of ours
        f" WHERE {wish.conditions}{sql} SETTINGS max_threads = 1",  # or blocks of a part come mixed
        {**wish.bound, **moments},
    )
    rows = in_order(plain, wish.key)
    if is_ordered(rows, wish.key):
        return rows
    return read_latest(
        client, wish.table, columns=wish.columns, key=wish.key, where=wish.conditions, parameters=wish.bound,
        as_of_ns=wish.as_of_ns, stored_by_ns=wish.stored_by_ns, first_wins=True,
    )


def _in_time(wish: Wish, parts: int) -> Sequence[Wish]:
    edges = [wish.start_ns + (wish.end_ns - wish.start_ns) * i // parts for i in range(parts + 1)]
    return [replace(wish, start_ns=edges[i], end_ns=edges[i + 1]) for i in range(parts)]

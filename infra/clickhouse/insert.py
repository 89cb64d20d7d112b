"""An insert, handed to the engine in pieces, and the proof that it arrived.

chDB says "written" also where the last block was refused (a full disk, a broken constraint): only the engine's own
counters of errors, and its query log, tell.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from infra.clickhouse.faults import UNKNOWN_EXCEPTION, QueryError, engine_errors
from infra.clickhouse.sql import quote

if TYPE_CHECKING:
    from infra.clickhouse.engine import Connection

_APPEND = 4 << 20  # bytes handed to the engine at a time
_ERRORS = "SELECT sum(value), toUnixTimestamp64Micro(now64(6)) FROM system.errors"


def insert(connection: Connection, head: str, fmt: str, *data: bytes | memoryview) -> tuple[int, int]:
    """Rows and bytes written by the statement `head` from `data` in format `fmt`; QueryError when not all arrived."""
    errors, started_us = _errors(connection)
    stream = connection.raw.send_insert(head, fmt)  # never inline: chDB cuts inline data at blank lines
    try:
        for part in data:
            for start in range(0, len(part), _APPEND):
                stream.append(part[start : start + _APPEND])
        done = stream.finish()
    except BaseException:
        with contextlib.suppress(QueryError), engine_errors():
            stream.cancel()
        raise
    if _errors(connection)[0] != errors:  # somebody's query failed meanwhile: ours?
        _refuse_lost(connection, started_us)
    return done.rows_written, done.bytes_written


def _errors(connection: Connection) -> tuple[int, int]:
    """How often anything failed in this engine so far, and its clock in microseconds."""
    count, now = connection.raw.query(_ERRORS, "TSV").bytes().split()
    return int(count), int(now)


def _refuse_lost(connection: Connection, started_us: int) -> None:
    connection.raw.query("SYSTEM FLUSH LOGS query_log")
    answer = connection.raw.query(
        "SELECT exception_code, exception FROM system.query_log"  # noqa: S608 - numbers and a tag of ours
        " WHERE query_kind = 'Insert' AND exception != ''"
        f" AND log_comment = {quote(connection.tag)} AND event_date >= toDate(fromUnixTimestamp64Micro({started_us}))"
        f" AND event_time_microseconds >= fromUnixTimestamp64Micro({started_us}) LIMIT 1",
        "TSVRaw",
    ).bytes().decode()
    code, _, message = answer.partition("\t")
    if message:
        raise QueryError(message, int(code) or UNKNOWN_EXCEPTION)

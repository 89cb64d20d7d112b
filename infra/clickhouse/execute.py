"""Running a query on a leased connection: inserts in pieces, rows in a stream, everything else whole."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.clickhouse.faults import SYNTAX_ERROR, QueryError, engine_errors
from infra.clickhouse.insert import insert
from infra.clickhouse.sql import marks_connection, named_format, quote, quote_name, refuse_forbidden, returns_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.clickhouse.engine import Connection, Engine, Lease
    from infra.clickhouse.request import Query

_BUFFER_WAITING = 16 << 20   # wait_end_of_query=1: answers up to this size carry a real error status
_BUFFER = 1 << 20            # otherwise the answer starts as soon as this size
_BUFFER_S = 0.05             # or this age is reached
# Block-wise output of these formats concatenates to one valid answer; the others are built whole.
_STREAMABLE = {"native", "tabseparated", "tsv", "csv", "jsoneachrow", "ndjson", "rowbinary", "jsoncompacteachrow"}
_TSV = "text/tab-separated-values; charset=UTF-8"
_CONTENT_TYPE = {
    "tabseparated": _TSV,
    "tsv": _TSV,
    "csv": "text/csv; charset=UTF-8; header=absent",
    "json": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "native": "application/octet-stream",
}


@dataclass
class Running:
    """Names the engine's query while one is on its way that may be killed; None otherwise."""

    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Headers and a whole body, or the stream of one."""

    headers: dict[str, str]
    body: bytes = b""
    stream: Stream | None = None


@dataclass
class Stats:
    """What X-ClickHouse-Summary reports."""

    started: float = field(default_factory=time.perf_counter)
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0

    def summary(self) -> str:
        """The header's JSON."""
        numbers = {
            "read_rows": self.read_rows,
            "read_bytes": self.read_bytes,
            "written_rows": self.written_rows,
            "written_bytes": self.written_bytes,
            "total_rows_to_read": 0,
            "result_rows": self.result_rows or self.written_rows,
            "result_bytes": self.result_bytes or self.written_bytes,
            "elapsed_ns": int((time.perf_counter() - self.started) * 1e9),
        }
        return json.dumps({name: str(value) for name, value in numbers.items()}, separators=(",", ":"))


class Stream:
    """The chunks of a long answer; it holds its connection until it is exhausted or closed."""

    def __init__(self, head: list[bytes], result: Any, lease: Lease, tag: str, version: str) -> None:
        self._head, self._result, self._lease = head, result, lease
        self._tag, self._version = tag, version
        self._lock = threading.Lock()  # a reader that hangs up closes while a thread fetches
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._lock:
            if self._head:
                return self._head.pop(0)
            if self._done:
                raise StopIteration
            try:
                with engine_errors():
                    return bytes(next(self._result).bytes())
            except StopIteration:
                self._end(clean=True)
                raise
            except QueryError as error:  # too late for a status: ClickHouse's in-band error
                self._end(clean=False)
                message = error.text(self._version) + "\n"
                size = len(message.encode())
                mark = f"\r\n__exception__\r\n{self._tag}\r\n{message}{size} {self._tag}\r\n__exception__\r\n"
                return mark.encode()

    def close(self) -> None:
        """Frees the connection, wherever the reader stopped."""
        with self._lock:
            self._head.clear()
            if not self._done:
                self._end(clean=False)

    def _end(self, *, clean: bool) -> None:
        self._done = True
        with contextlib.suppress(QueryError), engine_errors():
            self._result.close()
        self._lease.end(clean=clean)


def execute(engine: Engine, query: Query, running: Running) -> Answer:
    """The answer, once its first bytes are there; QueryError as ClickHouse would report it."""
    if query.session_id:
        lease = engine.lease_session(query.session_id, query.session_timeout_s, query.database, query.settings)
    else:
        lease = engine.lease(query.database, query.settings)
    try:
        with engine_errors():
            answer = _run(engine, lease, query, running)
    except BaseException:
        lease.end(clean=False)
        raise
    if answer.stream is None:
        # Without a session nothing may reach the next query on a pooled connection.
        lease.end(clean=bool(query.session_id) or not _marks(query))
    return answer


def _marks(query: Query) -> bool:
    return bool(query.insert and query.parameters) or marks_connection(query.sql)


def _run(engine: Engine, lease: Lease, query: Query, running: Running) -> Answer:
    connection = lease.connection
    for table in query.tables:
        connection.raw.query(f"CREATE TEMPORARY TABLE {quote_name(table.name)} ({table.structure})")
        insert(connection, f"INSERT INTO {quote_name(table.name)}", table.format, table.data)
    if query.insert:
        return _run_insert(connection, query)
    refuse_forbidden(query.sql)
    _refuse_several(connection, query)
    is_rows = returns_rows(query.sql)
    fmt = (named_format(query.sql) if is_rows else None) or query.default_format
    headers = {"Content-Type": _CONTENT_TYPE.get(fmt.lower(), "text/plain; charset=UTF-8")}
    if is_rows:
        headers["X-ClickHouse-Format"] = fmt
        running.tag = connection.tag if query.killable else None
    try:
        if is_rows and fmt.lower() in _STREAMABLE:
            return _run_rows(engine, lease, query, fmt, headers)
        return _run_whole(connection, query, fmt, headers)
    finally:
        running.tag = None


def _run_insert(connection: Connection, query: Query) -> Answer:
    stats = Stats()
    assert query.insert is not None  # noqa: S101 - the caller's branch, for the type checker
    if query.parameters:
        pairs = ", ".join(f"param_{name}={quote(value)}" for name, value in query.parameters.items())
        connection.raw.query(f"SET {pairs}")
    inline = memoryview(query.sql)[query.insert.data_start :]
    stats.written_rows, stats.written_bytes = insert(
        connection, query.insert.head, query.insert.format, inline, query.rest
    )
    return Answer({"Content-Type": "text/plain; charset=UTF-8", "X-ClickHouse-Summary": stats.summary()})


def _refuse_several(connection: Connection, query: Query) -> None:
    text = query.text
    if (
        isinstance(text, str)
        and b";" in query.sql.rstrip().removesuffix(b";")
        # The engine's own parser, which chDB does not offer publicly: a semicolon may stand in a string.
        and connection.raw._conn.classify_query(text)["statement_count"] > 1  # noqa: SLF001
    ):
        raise QueryError("Multi-statements are not allowed", SYNTAX_ERROR)


def _run_whole(connection: Connection, query: Query, fmt: str, headers: dict[str, str]) -> Answer:
    stats = Stats()
    result = connection.raw.query(query.text, fmt, params=query.parameters)
    stats.read_rows, stats.read_bytes = result.storage_rows_read(), result.storage_bytes_read()
    stats.written_rows, stats.written_bytes = result.rows_written(), result.bytes_written()
    stats.result_rows = result.rows_read()
    return Answer({**headers, "X-ClickHouse-Summary": stats.summary()}, result.bytes())


def _run_rows(engine: Engine, lease: Lease, query: Query, fmt: str, headers: dict[str, str]) -> Answer:
    stats = Stats()
    try:
        result = lease.connection.raw.send_query(query.text, fmt, params=query.parameters)
    except RuntimeError as error:
        if "Streaming query is not supported" not in str(error):
            raise
        return _run_whole(lease.connection, query, fmt, headers)  # SHOW, EXISTS, KILL ...
    head: list[bytes] = []
    try:
        for block in result:
            head.append(block.bytes())
            stats.result_bytes += len(head[-1])
            stats.result_rows += block.rows_read()
            stats.read_rows += block.storage_rows_read()
            stats.read_bytes += block.storage_bytes_read()
            if _should_start(stats, wait=query.wait):
                tag = secrets.token_hex(8)
                stream = Stream(head, result, lease, tag, engine.version)
                return Answer({**headers, "X-ClickHouse-Exception-Tag": tag}, stream=stream)
    except BaseException:
        with contextlib.suppress(QueryError), engine_errors():
            result.close()
        raise
    result.close()
    return Answer({**headers, "X-ClickHouse-Summary": stats.summary()}, b"".join(head))


def _should_start(stats: Stats, *, wait: bool) -> bool:
    if wait:
        return stats.result_bytes > _BUFFER_WAITING
    return stats.result_bytes > _BUFFER or time.perf_counter() - stats.started > _BUFFER_S

"""chDB connections: a pool by settings, and sessions that keep one to themselves."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from infra.clickhouse.faults import SESSION_IS_LOCKED, UNKNOWN_SETTING, QueryError, engine_errors
from infra.clickhouse.sql import quote, quote_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Where clickhouse-local's defaults differ from the server's.
_PARITY = {"implicit_select": "0", "allow_introspection_functions": "0", "storage_file_read_method": "pread"}
_SETTING = re.compile(r"[A-Za-z_]\w*")


class Connection:
    """One chDB connection, with the database and settings that are in force on it."""

    def __init__(self, dsn: str, tag: str) -> None:
        import chdb

        with engine_errors():
            self.raw: Any = chdb.connect(dsn)
        self.tag = tag  # KILL QUERY finds the running query by it
        self._settings: dict[str, str] = {}
        self._database = "default"
        self._set({**_PARITY, "log_comment": tag})

    def prepare(self, database: str, settings: dict[str, str]) -> None:
        """Puts the database and exactly these settings in force."""
        for name in settings:
            if not _SETTING.fullmatch(name):
                raise QueryError(f"Unknown setting '{name}'", UNKNOWN_SETTING)
        with engine_errors():
            for name in self._settings.keys() - settings.keys():
                self.raw.query(f"SET {name} = DEFAULT")
            self._set({name: value for name, value in settings.items() if self._settings.get(name) != value})
            self._settings = dict(settings)
            if database != self._database:
                self.raw.query(f"USE {quote_name(database)}")
                self._database = database

    def close(self) -> None:
        """Gives the connection back to the engine; one that is broken is gone already."""
        with contextlib.suppress(QueryError), engine_errors():
            self.raw.close()

    def drain(self) -> None:
        """Takes away what a failed query left in the connection."""
        with contextlib.suppress(QueryError), engine_errors():
            self.raw.query("SELECT 1")

    def _set(self, settings: dict[str, str]) -> None:
        if settings:
            with engine_errors():
                self.raw.query("SET " + ", ".join(f"{name}={quote(value)}" for name, value in settings.items()))


class Lease:
    """A connection for one query; `end` gives it back, once."""

    def __init__(self, connection: Connection, give_back: Callable[[bool], None]) -> None:
        self.connection = connection
        self._give_back: Callable[[bool], None] | None = give_back

    def end(self, *, clean: bool) -> None:
        """`clean=False` after a query that failed or was cut: its leftovers must not reach the next one."""
        give_back, self._give_back = self._give_back, None
        if give_back:
            give_back(clean)


@dataclass
class _Session:
    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)
    expires: float = float("inf")  # time.monotonic()


class Engine:
    """The engine on one data folder, which no other process may have open."""

    def __init__(self, path: Path, config: Path | None = None, pool_size: int = 32) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._dsn = str(path) + (f"?config-file={config}" if config else "")
        self._numbers = count(1)
        self._idle: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], list[Connection]] = OrderedDict()
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()
        self._pool_size = pool_size
        self._root = self._connect()  # keeps the engine alive
        answer = self._root.raw.query("SELECT version(), timezone()", "TSV").bytes().decode()
        self.version, self.timezone = answer.strip().split("\t")

    def lease(self, database: str, settings: dict[str, str]) -> Lease:
        """A pooled connection with these settings in force."""
        key = (database, tuple(sorted(settings.items())))
        with self._lock:
            idle = self._idle.get(key)
            connection = idle.pop() if idle else None
        if connection is None:
            connection = self._connect()
            try:
                connection.prepare(database, settings)
            except QueryError:
                connection.close()
                raise

        def give_back(clean: bool) -> None:
            if clean:
                self._keep(key, connection)
            else:  # chDB hands a failed query's output to the next one
                connection.close()

        return Lease(connection, give_back)

    def lease_session(self, session_id: str, timeout_s: float, database: str, settings: dict[str, str]) -> Lease:
        """The session's own connection, made when it is new; SESSION_IS_LOCKED while another query holds it."""
        with self._lock:
            self._expire()
            session = self._sessions.get(session_id)
            if session is None:
                session = self._sessions[session_id] = _Session(self._connect())
            if not session.lock.acquire(blocking=False):
                raise QueryError(f"Session {session_id} is locked by a concurrent client", SESSION_IS_LOCKED)
            session.expires = float("inf")
        held = session

        def give_back(clean: bool) -> None:
            if not clean:
                held.connection.drain()
            held.expires = time.monotonic() + timeout_s
            held.lock.release()

        lease = Lease(held.connection, give_back)
        try:
            held.connection.prepare(database, settings)
        except QueryError:
            lease.end(clean=False)
            raise
        return lease

    def kill(self, tag: str) -> None:
        """Stops the query that runs on the connection with this tag, if it still does."""
        lease = self.lease("default", {})
        try:
            with contextlib.suppress(QueryError), engine_errors():
                lease.connection.raw.query(f"KILL QUERY WHERE Settings['log_comment'] = {quote(tag)} ASYNC")
        finally:
            lease.end(clean=False)

    def close(self) -> None:
        """Closes every connection; the folder is free after it."""
        pooled = [connection for idle in self._idle.values() for connection in idle]
        for connection in [*pooled, *(session.connection for session in self._sessions.values()), self._root]:
            connection.close()

    def _connect(self) -> Connection:
        return Connection(self._dsn, f"embedded-{os.getpid()}-{next(self._numbers)}")

    def _keep(self, key: tuple[str, tuple[tuple[str, str], ...]], connection: Connection) -> None:
        with self._lock:
            self._idle.setdefault(key, []).append(connection)
            self._idle.move_to_end(key)
            while sum(map(len, self._idle.values())) > self._pool_size:
                oldest = next(iter(self._idle))
                if self._idle[oldest]:
                    self._idle[oldest].pop(0).close()
                if not self._idle[oldest]:
                    del self._idle[oldest]

    def _expire(self) -> None:
        now = time.monotonic()
        for name in [name for name, session in self._sessions.items() if session.expires < now]:
            self._sessions.pop(name).connection.close()

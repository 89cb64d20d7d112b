"""One process at a time applies migrations to a database: two that rebuild a table at once would lose its rows."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

_TABLE = "schema_lock"
_EXISTS = 57  # ClickHouse's TABLE_ALREADY_EXISTS


@contextmanager
def schema_lock(client: Client) -> Iterator[None]:
    """Holds the database for the time of the block; MIGRATION_RUNNING while another process has it.

    The lock of a process of this host that is gone is taken over.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        _take(client)
    except DatabaseError as error:
        if f"{_EXISTS}" not in str(error):
            raise
        holder = _holder(client)
        if _lives(holder):
            raise TickhouseError(
                StoreCode.MIGRATION_RUNNING, database=client.database, holder=holder.replace(" ", ":")
            ) from error
        client.command(f"DROP TABLE IF EXISTS {_TABLE} SYNC")
        _take(client)
    try:
        yield
    finally:
        client.command(f"DROP TABLE IF EXISTS {_TABLE} SYNC")


def _take(client: Client) -> None:
    client.command(f"CREATE TABLE {_TABLE} (held UInt8) ENGINE = Memory COMMENT '{socket.gethostname()} {os.getpid()}'")


def _holder(client: Client) -> str:
    """Host and process that made the lock, "" when it is gone meanwhile."""
    sql = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = {name:String}"
    rows = client.query(sql, parameters={"name": _TABLE}).result_rows
    return str(rows[0][0]) if rows else ""


def _lives(holder: str) -> bool:
    host, _, pid = holder.rpartition(" ")
    if not pid.isdigit() or host != socket.gethostname():
        return bool(holder)  # of another host nothing is known
    if int(pid) == os.getpid():  # a number used again, as in a container: we do not hold it
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""The connection to ClickHouse, the same for the embedded engine and for a server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infra.errors import TickhouseError
from store import retention
from store.errors import StoreCode
from store.schema import migrate_database

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from infra.settings import Settings


def connect(settings: Settings, *, database: str | None = None) -> Client:
    """A synchronous client on our database; CLICKHOUSE_UNREACHABLE when nobody answers.

    It holds no session, so threads may share it. `database=""` connects without choosing one.
    """
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import OperationalError

    url = urlsplit(settings.clickhouse_url)
    driver = logging.getLogger("clickhouse_connect")
    if not driver.handlers:  # or a process without logging would print a whole traceback beside our one line
        driver.addHandler(logging.NullHandler())
    try:
        return clickhouse_connect.get_client(
            host=url.hostname,
            port=url.port,
            interface=url.scheme or "http",
            username=settings.clickhouse.user,
            password=settings.clickhouse.password.get_secret_value(),
            database=settings.clickhouse.database if database is None else database or None,
            compress=False,  # on loopback and in a data centre compressing costs more than it saves
            autogenerate_session_id=False,  # a session is locked by each query: threads could not share the client
            tz_mode="aware",
            connect_timeout=5,
        )
    except OperationalError as error:
        raise TickhouseError(
            StoreCode.CLICKHOUSE_UNREACHABLE, url=settings.clickhouse_url, problem=_root(error)
        ) from error


def _root(error: BaseException) -> BaseException:
    """What the driver's long sentence is about, e.g. `[Errno 111] Connection refused`."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def migrate(settings: Settings) -> list[str]:
    """Names of the migrations it applied, none when the schema is up to date; creates the database first.

    Sets the retention of the settings too; where the archive is on, shorter limits wait for it (`store.archiving`).
    """
    client = connect(settings, database="")
    try:
        client.command(f"CREATE DATABASE IF NOT EXISTS `{settings.clickhouse.database}`")
    finally:
        client.close()
    client = connect(settings)
    try:
        applied = migrate_database(client)
        retention.apply(client, settings.retention, shorten=not settings.archive.enabled)
        return applied
    finally:
        client.close()

"""Migrations: applied once, remembered with their hash."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess

import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset
from store import datasets, retention
from store.clickhouse import migrate
from store.errors import StoreCode
from store.schema import Migration, migrate_database, read_migrations
from tests.store.rows import DAY, frame

DESIGNED = {
    "instruments", "bars", "trades", "quotes", "book_snapshots", "book_deltas", "funding_rates",
    "open_interest", "features", "labels", "predictions", "order_events", "fills", "positions",
    "risk_events", "quality_results", "quarantine", "ingest_log",
}


@pytest.mark.stack
def test_second_run_applies_nothing(clickhouse, settings):
    assert migrate(settings) == []


@pytest.mark.stack
def test_tables_of_the_design_exist(clickhouse):
    tables = {row[0] for row in clickhouse.query("SHOW TABLES").result_rows}
    assert tables >= DESIGNED


@pytest.mark.stack
def test_every_migration_survives_being_cut_half_way(clickhouse):
    """A statement may have been applied before the crash, and its record not."""
    clickhouse.command("TRUNCATE TABLE schema_migrations")
    assert migrate_database(clickhouse) == [migration.name for migration in read_migrations()]


@pytest.mark.stack
def test_changed_text_is_refused_before_anything_is_applied(clickhouse):
    first, *rest = read_migrations()
    changed = dataclasses.replace(first, text=first.text + "\n-- edited\n")
    new = Migration("9999_new.sql", "CREATE TABLE never (x UInt8) ENGINE = Memory;")
    with pytest.raises(TickhouseError) as caught:
        migrate_database(clickhouse, [changed, *rest, new])
    assert caught.value.code is StoreCode.MIGRATION_CHANGED
    assert caught.value.context["name"] == first.name
    assert clickhouse.command("EXISTS TABLE never") == 0


@pytest.mark.stack
def test_rebuilt_tables_keep_their_rows_however_often_they_are_rebuilt(clickhouse, settings):
    """`0005` copies tables; it may be cut anywhere, also between the exchange and its record."""
    client, migrations = clickhouse, read_migrations()
    rebuild = next(migration for migration in migrations if migration.name.startswith("0005"))
    datasets.write(client, Dataset.TRADES, frame(Dataset.TRADES, [(0, 7, 1), (1, 8, 1)]), DAY)
    datasets.write(client, Dataset.BARS, frame(Dataset.BARS, [(0, 7, 1), (1, 8, 1)]), DAY)
    everything = [f"SELECT * FROM {table} ORDER BY ALL" for table in ("trades", "bars")]  # noqa: S608 - two names
    before = [client.query_arrow(sql) for sql in everything]
    for cut in range(0, len(rebuild.statements), 4):
        for statement in rebuild.statements[: cut + 1]:
            client.command(statement)
    for statement in rebuild.statements:
        client.command(statement)
    retention.apply(client, settings.retention, shorten=True)
    after = [client.query_arrow(sql) for sql in everything]
    assert all(one.equals(two) for one, two in zip(before, after, strict=True))


@pytest.mark.stack
def test_two_processes_do_not_migrate_at_once(clickhouse):
    new = [*read_migrations(), Migration("9998_new.sql", "CREATE TABLE IF NOT EXISTS made (x UInt8) ENGINE = Memory;")]
    for holder in ("elsewhere 17", f"{socket.gethostname()} {os.getppid()}"):
        clickhouse.command(f"CREATE TABLE schema_lock (held UInt8) ENGINE = Memory COMMENT '{holder}'")
        with pytest.raises(TickhouseError) as caught:
            migrate_database(clickhouse, new)
        assert caught.value.code is StoreCode.MIGRATION_RUNNING
        assert caught.value.context["holder"] == holder.replace(" ", ":")
        clickhouse.command("DROP TABLE schema_lock SYNC")
    process = subprocess.Popen(["true"])
    process.wait()
    clickhouse.command(
        f"CREATE TABLE schema_lock (held UInt8) ENGINE = Memory COMMENT '{socket.gethostname()} {process.pid}'"
    )
    assert migrate_database(clickhouse, new) == ["9998_new.sql"], "its holder is gone"
    assert clickhouse.command("EXISTS TABLE schema_lock") == 0
    clickhouse.command("ALTER TABLE schema_migrations DELETE WHERE name = '9998_new.sql' SETTINGS mutations_sync = 1")


def test_names_are_checked(tmp_path):
    (tmp_path / "0001_a.sql").write_text("SELECT 1;")
    (tmp_path / "0001_b.sql").write_text("SELECT 1;")
    with pytest.raises(TickhouseError) as caught:
        read_migrations(tmp_path)
    assert caught.value.code is StoreCode.MIGRATION_MISNAMED


def test_statements_end_at_a_semicolon_at_the_end_of_a_line():
    text = "-- one; two\nCREATE TABLE a (s String DEFAULT 'x;y'); -- why\n\nCREATE TABLE b (x UInt8);\n-- end\n"
    statements = Migration("0001_x.sql", text).statements
    assert len(statements) == 2
    assert statements[0].endswith("DEFAULT 'x;y')")
    assert statements[1] == "CREATE TABLE b (x UInt8)"

"""Migrations: applied once, remembered with their hash."""

from __future__ import annotations

import dataclasses

import pytest

from infra.errors import TickhouseError
from store.clickhouse import migrate
from store.errors import StoreCode
from store.schema import Migration, migrate_database, read_migrations

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

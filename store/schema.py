"""Numbered migrations: `store/migrations/NNNN_words.sql`, each applied once and remembered with its hash.

ClickHouse has no transactions for schema changes, so every statement is written to run twice
(`IF NOT EXISTS`): a migration that was cut half way is simply applied again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from store.errors import StoreCode
from store.schema_lock import schema_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_STATEMENT_END = re.compile(r";[ \t]*(?:--[^\n]*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of schema changes."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the text, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements in order; each ends with a semicolon at the end of a line."""
        parts = (part.strip() for part in _STATEMENT_END.split(self.text))
        return [part for part in parts if any(not line.lstrip().startswith("--") for line in part.splitlines())]


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """All migrations by number; MIGRATION_MISNAMED for a bad name or a number used twice."""
    seen: set[str] = set()
    found = []
    for file in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(file.name)
        if match is None or match[1] in seen:
            raise TickhouseError(StoreCode.MIGRATION_MISNAMED, file=file.name)
        seen.add(match[1])
        found.append(Migration(file.name, file.read_text()))
    return found


def migrate_database(client: Client, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Names of the migrations it applied to the client's database.

    MIGRATION_CHANGED, before anything is applied, when the text of an applied one has changed; MIGRATION_RUNNING while
    another process applies some.
    """
    migrations = read_migrations() if migrations is None else migrations
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name String, sha256 String,"
        " applied_at DateTime64(9, 'UTC') DEFAULT now64(9)) ENGINE = MergeTree ORDER BY name"
    )
    applied = _applied(client)
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise TickhouseError(
                StoreCode.MIGRATION_CHANGED,
                name=migration.name,
                applied=applied[migration.name][:12],
                found=migration.sha256[:12],
            )
    if all(migration.name in applied for migration in migrations):
        return []
    with schema_lock(client):
        applied = _applied(client)  # whoever had the lock before us may have done it all
        waiting = [migration for migration in migrations if migration.name not in applied]
        for migration in waiting:
            for statement in migration.statements:
                client.command(statement)
            client.insert("schema_migrations", [[migration.name, migration.sha256]], column_names=["name", "sha256"])
    return [migration.name for migration in waiting]


def _applied(client: Client) -> dict[str, str]:
    """Hash of each migration that was applied."""
    rows = client.query("SELECT name, sha256 FROM schema_migrations").result_rows
    return {str(name): str(sha256) for name, sha256 in rows}

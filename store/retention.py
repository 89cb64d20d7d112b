"""How long rows stay in ClickHouse: the TTL of each table, as the settings say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from infra.settings import Retention

# What the limit counts from: when we stored a row, or brought it back from the archive. Never its own time, or a
# backfill of old history would vanish as it is inserted.
CLOCK = "kept_from"
_TTL = re.compile(r"\bTTL (.+?)(?: SETTINGS |$)", re.DOTALL)
_DAYS = re.compile(rf"{CLOCK} \+ toIntervalDay\((\d+)\)")


def days(client: Client) -> dict[str, int]:
    """The limit in force by table, in days; 0 where rows stay for ever, -1 where the TTL is of another form."""
    rows = client.query(
        "SELECT name, create_table_query FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ).result_rows
    found = {}
    for name, text in rows:
        ttl = _TTL.search(text)
        limit = _DAYS.fullmatch(ttl[1].strip()) if ttl else None
        found[str(name)] = int(limit[1]) if limit else -1 if ttl else 0
    return found


def apply(client: Client, retention: Retention, *, shorten: bool) -> list[str]:
    """Names of the tables whose limit it changed to that of `retention`.

    Without `shorten` a limit that would take rows earlier than today's stays: the archive must have them first.
    """
    changed = []
    in_force = days(client)
    for table, wanted in retention.model_dump().items():
        now = in_force.get(table)
        if now is None or now == wanted:
            continue
        shorter = wanted > 0 and (now == 0 or wanted < now)
        if shorter and not shorten:
            continue
        if wanted:
            client.command(
                f"ALTER TABLE {table} MODIFY TTL {CLOCK} + INTERVAL {wanted} DAY"
                " SETTINGS materialize_ttl_after_modify = 0"
            )
        else:
            client.command(f"ALTER TABLE {table} REMOVE TTL")
        if shorter:  # parts remember when they expire: let them reckon again, in the background
            client.command(f"ALTER TABLE {table} MATERIALIZE TTL SETTINGS mutations_sync = 0")
        changed.append(table)
    return changed

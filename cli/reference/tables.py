"""The tables of ClickHouse, from the migrations."""

from __future__ import annotations

import re

from cli.reference.markdown import page, table
from infra.settings import PROJECT

MIGRATIONS = PROJECT / "store" / "migrations"
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)^\) ENGINE = (\w+).*?ORDER BY \((.*?)\)",
                    re.MULTILINE | re.DOTALL)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW (\w+)", re.MULTILINE)
_KEPT = re.compile(r"^ALTER TABLE (\w+) MODIFY TTL toDateTime\((\w+)\) \+ INTERVAL (\d+) (\w+)", re.MULTILINE)
_COLUMN = re.compile(r"^ {4}(\w+) ((?:[^ ,(]+(?:\([^)]*\)+)?))", re.MULTILINE)
_REMARK = re.compile(r"--\s*(.+)$")
_CLOCKS = (
    "Prices and quantities are int64 in 10^-scale of the instrument; times are UTC nanoseconds. `ts_event` is the "
    "venue's time, `ts_known` when anyone could first have known, `ts_stored` when it was written. A revision is a "
    "new row with a later `ts_known`."
)


def text() -> str:
    """A table a table: its columns, key and retention; then the views."""
    sql = "\n".join(file.read_text() for file in sorted(MIGRATIONS.glob("*.sql")))
    kept = {name: f"{count} {unit.lower()}{'s' if count != '1' else ''}" for name, _, count, unit in _KEPT.findall(sql)}
    parts: list[str | list[str]] = [_CLOCKS]
    for name, body, engine, key in _TABLE.findall(sql):
        stay = f" Kept for {kept[name]} from `ts_stored`." if name in kept else ""
        columns = table(("column", "type", "remark"), _columns(body))
        parts += [f"## {name}", f"{engine}, ordered by `{key}`.{stay}", columns]
    views = ", ".join(f"`{name}`" for name in _VIEW.findall(sql))
    parts += ["## Views for people", f"The latest revision, with symbols and decimal prices: {views}."]
    return page("Tables", *parts)


def _columns(body: str) -> list[tuple[str, str, str]]:
    rows = []
    for line in body.splitlines():
        column = _COLUMN.match(line)
        if column:
            remark = _REMARK.search(line)
            rows.append((f"`{column[1]}`", f"`{column[2]}`", remark[1] if remark else ""))
    return rows

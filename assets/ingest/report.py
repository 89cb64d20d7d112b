"""What the UI shows of a run: a line a life, and the verdicts; bounded, however many days a run has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets.ingest.held import WHOLE
from assets.ingest.outcome import Change

if TYPE_CHECKING:
    from assets.ingest.outcome import DayOutcome, Trouble

# Lines in one day's table. Dagster keeps an event a day: five years of 50 lines would be 10 MB of them.
_LINES, _LONG = 100, 60
_QUIET = frozenset({Change.KEPT, Change.UNCHANGED, Change.NEW})


def of_day(outcomes: Sequence[DayOutcome], days: int) -> dict[str, dg.MetadataValue | int | str]:
    """Rows, what changed, and the lives; in a run of many `days` only the lives that are not simply whole."""
    shown = [o for o in outcomes if days <= _LONG or o.state not in WHOLE or o.change not in _QUIET][:_LINES]
    told: dict[str, dg.MetadataValue | int | str] = {
        "dagster/partition_row_count": sum(o.rows for o in outcomes),
        "rows_written": sum(o.written for o in outcomes),
        "changes": changes(outcomes),
        "states": ", ".join(f"{count} {name}" for name, count in Counter(o.state.label for o in outcomes).items()),
    }
    if shown:
        told["instruments"] = table([
            {"symbol": o.symbol, "dataset": o.label, "day": o.day.isoformat(), "state": o.state.label,
             "change": str(o.change), "rows": o.rows, "written": o.written}
            for o in shown
        ])
    return told


def changes(outcomes: Sequence[DayOutcome]) -> str:
    """`3 new, 1 kept`."""
    return ", ".join(f"{count} {name}" for name, count in Counter(str(o.change) for o in outcomes).items())


def line(done: Sequence[DayOutcome]) -> str:
    """One line of the log."""
    days, names = [outcome.day for outcome in done], sorted({outcome.symbol or outcome.label for outcome in done})
    who = names[0] if len(names) == 1 else f"{len(names)} instruments"
    return f"{who} {min(days)}..{max(days)}: {sum(o.rows for o in done)} rows, days: {changes(done)}"


def of_troubles(troubles: Sequence[Trouble]) -> dg.MetadataValue:
    """The days that could not be had, with their errors."""
    return table([
        {"symbol": one.wanted.life.symbol, "dataset": one.wanted.subject.label, "first": one.days[0].isoformat(),
         "days": len(one.days), "error": str(one.error)[:500]}
        for one in troubles[:_LINES]
    ])


def table(rows: Sequence[dict[str, str | int]]) -> dg.MetadataValue:
    """Rows as Dagster's table; columns are those of the first."""
    columns = [dg.TableColumn(name, "int" if isinstance(value, int) else "string")
               for name, value in (rows[0] if rows else {}).items()]
    return dg.TableMetadataValue([dg.TableRecord(row) for row in rows], dg.TableSchema(columns))

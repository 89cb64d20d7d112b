"""Why days are not whole: the verdicts and the quarantined rows of the runs that have ended."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from assets.coverage_grid import name_of
from orchestration.alerts_found import Alert, Kind, Table
from orchestration.alerts_runs import asset_links
from store import instruments, reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from infra.mail import Picture
    from orchestration.alerts_runs import FailedCheck

VERDICTS, KEPT = 10, 5   # rows shown of each
_READ = 200              # rows read of each dataset of a run
_CELL, _PAYLOAD = 220, 300
_NANOSECONDS = re.compile(r"\b1\d{18}\b")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a run found wrong with one dataset of one venue, the gravest first."""

    run_id: str
    venue: str
    dataset: str
    is_error: bool
    days: int                               # instrument days that a rule accuses
    worst: date                             # the first day of the gravest failure
    first: date
    last: date
    instruments: tuple[int, ...]
    names: tuple[str, ...]
    states: tuple[tuple[str, int], ...]     # what the run's entries in the ingest log make of its days
    rules: tuple[tuple[str, int], ...]      # with the failing rows
    accused: frozenset[tuple[str, int, str]]
    verdicts: Table
    kept: Table | None


def troubles(client: Client, runs: Sequence[str]) -> list[Trouble]:
    """What `runs` found wrong, by run, venue and dataset; none where every verdict is good."""
    if not runs:
        return []
    parameters = {"runs": list(runs), "most": _READ, "kept": KEPT}
    # A rule is judged again where a chunk is repeated: the last verdict of the run counts.
    verdicts = _groups(client, parameters, (
        "SELECT run_id, venue, dataset, instrument, toString(day) AS name, check_name,"
        " toInt8(argMax(severity, ts_stored)) AS grade, argMax(failing_rows, ts_stored) AS failing,"
        " argMax(observed, ts_stored) AS seen, argMax(expected, ts_stored) AS wanted,"
        " count() OVER (PARTITION BY run_id, venue, dataset) AS total"
        " FROM quality_results WHERE run_id IN {runs:Array(String)}"
        " GROUP BY run_id, venue, dataset, instrument, day, check_name"
        " HAVING NOT argMax(passed, ts_stored) AND grade >= 2"
        " ORDER BY grade DESC, day, instrument, check_name LIMIT {most:UInt32} BY run_id, venue, dataset"
    ))
    kept = _groups(client, parameters, (
        "SELECT run_id, venue, dataset, instrument, toString(day) AS name, row_key, source, payload,"
        " arrayStringConcat(arraySort(groupUniqArray(reason)), ', ') AS reasons,"
        " count() OVER (PARTITION BY run_id, venue, dataset) AS total"
        " FROM quarantine WHERE run_id IN {runs:Array(String)}"
        " GROUP BY run_id, venue, dataset, instrument, day, row_key, source, payload"
        " ORDER BY day, instrument, row_key LIMIT {kept:UInt32} BY run_id, venue, dataset"
    ))
    states = _groups(client, parameters, (
        "SELECT run_id, venue, dataset, toString(state) AS name, count() AS days FROM ingest_log"
        " WHERE run_id IN {runs:Array(String)} AND state NOT IN ('complete', 'verified_empty')"
        " GROUP BY run_id, venue, dataset, state ORDER BY state DESC"
    ))
    symbols = {life.id: life.symbol for life in instruments.load(client)}
    return [
        _trouble(key, rows, kept[key], [(row["name"], row["days"]) for row in states[key]], symbols)
        for key, rows in verdicts.items()
    ]


def alert(trouble: Trouble, check: FailedCheck | None, picture: Picture | None) -> Alert:
    """The trouble as an entry of the digest; `check` is the asset check that says the same in the UI."""
    what = ", ".join(f"{days} {'day' if days == 1 else 'days'} {state.replace('_', ' ')}"
                     for state, days in trouble.states) or f"{trouble.days} instrument days accused"
    span = f"{trouble.first}" if trouble.first == trouble.last else f"{trouble.first} to {trouble.last}"
    who = ", ".join(trouble.names[:3]) + (f" and {len(trouble.names) - 3} more" if len(trouble.names) > 3 else "")
    rules = ", ".join(f"{rule} ({rows:,} {'row' if rows == 1 else 'rows'})" for rule, rows in trouble.rules)
    name = name_of(trouble.venue, trouble.dataset)
    links = asset_links(
        check.asset if check else ("coverage",), check=check.name if check else "",
        partition=trouble.worst.isoformat() if check else "", run_id=trouble.run_id,
    )
    return Alert(
        Kind.QUALITY, "ERROR" if trouble.is_error else "WARN", f"{name}: {what}", f"{who}, {span}: {rules}",
        links[0].path, check.alert.when if check else 0.0, links,
        tuple(table for table in (trouble.verdicts, trouble.kept) if table), picture,
        brief=f"{name} {what}: {who} {span}",
    )


def _groups(
    client: Client, parameters: dict[str, Any], sql: str
) -> defaultdict[tuple[str, str, str], list[dict[str, Any]]]:
    """Rows by (run, venue, dataset), in the order of the query."""
    out: defaultdict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in reader.query(client, sql, parameters).iter_rows(named=True):
        out[row["run_id"], row["venue"], row["dataset"]].append(row)
    return out


def _trouble(
    key: tuple[str, str, str], verdicts: list[dict[str, Any]], kept: list[dict[str, Any]],
    states: list[tuple[str, int]], symbols: dict[int, str],
) -> Trouble:
    def symbol(row: dict[str, Any]) -> str:
        number = int(row["instrument"])
        return symbols.get(number, f"instrument {number}" if number else "whole market")

    rules: Counter[str] = Counter()
    for row in verdicts:
        rules[row["check_name"]] += int(row["failing"])
    days = [date.fromisoformat(row["name"]) for row in verdicts]
    table = Table(
        "verdicts", ("instrument", "day", "rule", "rows", "seen", "expected"),
        tuple(
            (symbol(row), row["name"], row["check_name"], f"{row['failing']:,}", _key(row["seen"]),
             _cut(row["wanted"], _CELL))
            for row in verdicts[:VERDICTS]
        ),
        int(verdicts[0]["total"]),
    )
    rows = Table(
        "rows kept in quarantine", ("instrument", "day", "reasons", "row", "source", "as the source wrote it"),
        tuple(
            (symbol(row), row["name"], row["reasons"], _key(row["row_key"]), row["source"],
             _cut(row["payload"], _PAYLOAD))
            for row in kept
        ),
        int(kept[0]["total"]) if kept else 0, verbatim=True,
    )
    return Trouble(
        *key, is_error=any(int(row["grade"]) >= 3 for row in verdicts),
        days=len({(row["instrument"], row["name"]) for row in verdicts}), worst=days[0], first=min(days),
        last=max(days),
        instruments=tuple(sorted({int(row["instrument"]) for row in verdicts})),
        names=tuple(dict.fromkeys(symbol(row) for row in verdicts)), states=tuple(states),
        rules=tuple(rules.most_common(6)),
        accused=frozenset((row["check_name"], int(row["instrument"]), row["name"]) for row in verdicts),
        verdicts=table, kept=rows if kept else None,
    )


def _key(text: str) -> str:
    """A row's key; nanoseconds since 1970 as a time that people read."""
    return _cut(_NANOSECONDS.sub(_time, text), _CELL)


def _time(found: re.Match[str]) -> str:
    seconds, rest = divmod(int(found[0]), 10**9)
    fraction = f".{rest:09}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}{fraction}"


def _cut(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"

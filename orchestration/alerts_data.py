"""Stale data and risk events, from ClickHouse; a database out of reach is an alert itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.alerts_found import Alert, Kind
from store import reader

if TYPE_CHECKING:
    from datetime import date

    from clickhouse_connect.driver.client import Client

GRACE = timedelta(hours=3)  # after midnight UTC: until then the nightly ingest may still run
RISK_LIMIT = 200
_SETTLED_NS = 2_000_000_000  # rows younger than this may still get older neighbours


def expected_day(now: datetime) -> date:
    """The last day that must be complete by `now`."""
    return (now - GRACE).date() - timedelta(days=1)


def stale(client: Client, now: datetime) -> dict[str, Alert]:
    """Datasets of living instruments whose newest complete day is before the expected one, by a key for each lag.

    What was never ingested is not stale: the ingest log does not know that anyone wants it.
    """
    expected = expected_day(now)
    frame = reader.query(
        client,
        "SELECT venue, dataset, toString(newest) AS last, arraySort(groupArray(symbol)) AS symbols FROM ("
        " SELECT dataset, instrument, max(day) AS newest FROM ("
        "  SELECT dataset, instrument, day, argMax(state, ts_stored) AS final FROM ingest_log"
        "  GROUP BY dataset, instrument, day)"
        " WHERE final IN ('complete', 'verified_empty') GROUP BY dataset, instrument) AS held"
        " INNER JOIN (SELECT id, any(venue) AS venue, any(symbol) AS symbol FROM instruments"
        "  GROUP BY id HAVING argMax(valid_to, (ts_known, ts_stored)) = toDateTime64(0, 9, 'UTC')) AS lives"
        " ON lives.id = held.instrument"
        " WHERE newest < {expected:Date} GROUP BY venue, dataset, newest ORDER BY venue, dataset, newest",
        {"expected": expected},
    )
    found = {}
    for venue, dataset, last, symbols in frame.iter_rows():
        names = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
        # The expected day is part of the key: data that stays stale is said again once a day.
        found[f"stale {venue} {dataset} {last} {expected} {','.join(symbols)}"] = Alert(
            Kind.STALE, "WARN", f"{venue} {dataset}: nothing complete after {last}", f"expected {expected}: {names}",
            f"/assets/{venue}/{dataset}",
        )
    return found


def risk_events(client: Client, after_ns: int, now: datetime) -> tuple[list[Alert], int]:
    """Risk events of WARNING and above stored after `after_ns`, alike ones counted in one line; and the new cursor."""
    frame = reader.query(
        client,
        "SELECT account, toString(any(level)) AS name, code, strategy, instrument, count() AS times,"
        " argMax(detail, ts_event) AS last_detail, max(ts_event) AS last, max(ts_stored) AS stored FROM ("
        " SELECT * FROM risk_events WHERE level >= 'warning'"
        " AND ts_stored > fromUnixTimestamp64Nano({after_ns:Int64}, 'UTC')"
        " AND ts_stored < fromUnixTimestamp64Nano({before_ns:Int64}, 'UTC')"
        " ORDER BY ts_stored LIMIT {limit:UInt32} WITH TIES)"
        " GROUP BY account, level, code, strategy, instrument ORDER BY level DESC, last",
        {"after_ns": after_ns, "before_ns": int(now.timestamp() * 1e9) - _SETTLED_NS, "limit": RISK_LIMIT},
    )
    alerts = []
    for account, level, code, strategy, instrument, times, detail, last, _ in frame.iter_rows():
        where = " ".join(part for part in (account, strategy, f"instrument {instrument}" if instrument else "") if part)
        title = f"{code} ({where})" + (f", {times} times" if times > 1 else "")
        alerts.append(Alert(Kind.RISK, level.upper(), title, detail, when=last / 1e9))
    newest = max(frame["stored"].to_list(), default=after_ns)
    return alerts, int(newest)


def utc_now() -> datetime:
    """The time by which data is judged."""
    return datetime.now(UTC)

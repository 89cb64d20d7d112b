"""Risk events, from ClickHouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.alerts_found import Alert, Kind
from store import reader

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

RISK_LIMIT = 200
_SETTLED_NS = 2_000_000_000  # rows younger than this may still get older neighbours


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

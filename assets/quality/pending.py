"""Days whose data changed since they were last held against other data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from store import reader
from store.ingest_log import IngestEntry, IngestState

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CHECKED = "cross_checked"  # the finding that says that a day was held against what there was
LIMIT = 20_000             # days of instruments at once: the next run takes those that are left

_LATEST = (
    "SELECT instrument, day, toInt8(argMax(state, ts_stored)) AS state, argMax(rows, ts_stored) AS rows,"
    " argMax(content_hash, ts_stored) AS content_hash, argMax(source, ts_stored) AS source,"
    " argMax(detail, ts_stored) AS detail, argMax(fingerprint, ts_stored) AS fingerprint, max(ts_stored) AS changed"
    " FROM ingest_log WHERE venue = {venue:String} AND dataset = {dataset:String}"
    " AND day >= {first:Date} AND day <= {last:Date} GROUP BY instrument, day"
)
_PENDING = f"""
SELECT log.instrument AS instrument, log.day AS day, state, rows, content_hash, source, detail, fingerprint
FROM ({_LATEST}) AS log
LEFT JOIN (
    SELECT instrument, day, max(ts_stored) AS seen FROM ingest_log
    WHERE dataset IN {{beside:Array(String)}} AND day >= {{first:Date}} AND day <= {{last:Date}}
    GROUP BY instrument, day
) AS other USING (instrument, day)
LEFT JOIN (
    SELECT instrument, day, max(ts_stored) AS checked FROM quality_results
    WHERE venue = {{venue:String}} AND dataset = {{dataset:String}} AND check_name = {{marker:String}}
    AND day >= {{first:Date}} AND day <= {{last:Date}} GROUP BY instrument, day
) AS verdict USING (instrument, day)
WHERE state IN (1, 3) AND greatest(log.changed, other.seen) > verdict.checked
ORDER BY instrument, day LIMIT {LIMIT}
"""  # noqa: S608 - constants; values are bound


@dataclass(frozen=True, slots=True)
class Day:
    """What the ingest log says of a day."""

    instrument: int
    day: date
    state: IngestState
    rows: int
    content_hash: str
    source: str
    detail: str
    fingerprint: str

    def entry(self, dataset: str, venue: str, state: IngestState, run_id: str, detail: str) -> IngestEntry:
        """The same day in another state."""
        return IngestEntry(
            dataset, venue, self.instrument, self.day, state, self.rows, self.content_hash, self.source, run_id,
            detail, self.fingerprint,
        )


def days(
    client: Client, dataset: str, venue: str, beside: Collection[str], first: date, last: date
) -> list[Day]:
    """Complete and partial days of [first, last] that changed since, by instrument and day.

    A day is also looked at again when a dataset in `beside` changed.
    """
    return _days(client, _PENDING, dataset, venue, first, last, beside=list(beside), marker=CHECKED)


def latest(client: Client, dataset: str, venue: str, first: date, last: date) -> list[Day]:
    """Every day of [first, last] that the ingest log knows, by instrument and day."""
    return _days(client, f"{_LATEST} ORDER BY instrument, day", dataset, venue, first, last)


def warned(client: Client, dataset: str, venue: str, instrument: int, first: date, last: date) -> dict[date, set[str]]:
    """The checks of severity warning and above whose last verdict on a day is that it failed."""
    frame = reader.query(
        client,
        "SELECT day, check_name FROM quality_results WHERE dataset = {dataset:String} AND venue = {venue:String}"
        " AND instrument = {instrument:UInt32} AND day >= {first:Date} AND day <= {last:Date} AND severity >= 2"
        " GROUP BY day, check_name HAVING NOT argMax(passed, ts_stored)",
        {"dataset": dataset, "venue": venue, "instrument": instrument, "first": first, "last": last},
    )
    found: dict[date, set[str]] = {}
    for day, name in frame.select(pl.col("day").cast(pl.Date), "check_name").rows():
        found.setdefault(day, set()).add(name)
    return found


def _days(
    client: Client, sql: str, dataset: str, venue: str, first: date, last: date, **more: object
) -> list[Day]:
    frame = reader.query(
        client, sql, {"dataset": dataset, "venue": venue, "first": first, "last": last, **more}
    ).with_columns(pl.col("day").cast(pl.Date))
    names = Day.__slots__
    return [
        Day(**{**dict(zip(names, row, strict=True)), "state": IngestState(row[2])})
        for row in frame.select(names).rows()
    ]

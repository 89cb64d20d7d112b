"""The ingest log: the truth about what we have, by (dataset, instrument, day)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from store import reader, writer
from store.content import content_hash
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from clickhouse_connect.driver.client import Client

__all__ = [
    "DAY_NS", "IngestEntry", "IngestState", "content_hash", "days_between", "published", "record", "require", "states",
]

DAY_NS = 86_400_000_000_000
_FOREVER = (1 << 63) - 1


class IngestState(IntEnum):
    """What we know about a day; the numbers are those of the column."""

    COMPLETE = 1
    VERIFIED_EMPTY = 2
    PARTIAL = 3
    MISSING = 4
    QUARANTINED = 5

    @property
    def label(self) -> str:
        """Its name in the table and in `allow`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class IngestEntry:
    """What one ingest found for one day of one instrument."""

    dataset: str
    venue: str
    instrument: int
    day: date
    state: IngestState
    rows: int
    content_hash: str
    source: str
    run_id: str = ""
    detail: str = ""
    fingerprint: str = ""  # identity of what the source had: a file's hash; '' where only asking tells


def record(client: Client, entries: Iterable[IngestEntry]) -> int:
    """Number of entries written; the latest entry of a day is the one that counts."""
    rows = [asdict(entry) for entry in entries]
    if not rows:
        return 0
    return writer.insert(client, "ingest_log", pl.DataFrame(rows, schema_overrides={"state": pl.Int8}))


def states(
    client: Client, dataset: str, venue: str, start_day: date, end_day: date
) -> dict[tuple[int, date], IngestState]:
    """State of each (instrument, day) of [start_day, end_day) that has an entry; none means missing."""
    rows = client.query(
        "SELECT instrument, day, toInt8(argMax(state, ts_stored)) FROM ingest_log"
        " WHERE dataset = {dataset:String} AND venue = {venue:String}"
        " AND day >= {start_day:Date} AND day < {end_day:Date} GROUP BY instrument, day",
        parameters={"dataset": dataset, "venue": venue, "start_day": start_day, "end_day": end_day},
    ).result_rows
    return {(instrument, day): IngestState(state) for instrument, day, state in rows}


def require(
    client: Client,
    dataset: str,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    allow: Collection[str] = (),
    *,
    stored_by_ns: int | None = None,
) -> None:
    """Refuses with DATA_NOT_COMPLETE when a day in [start_ns, end_ns) is neither complete, verified empty nor allowed.

    `allow` names further states ("partial", "missing", "quarantined"). A day without an entry is missing. With
    `stored_by_ns` the log is read as it stood then.
    """
    days = days_between(start_ns, end_ns)
    if not days or not instruments:
        return
    good = {IngestState.COMPLETE, IngestState.VERIFIED_EMPTY} | {IngestState[name.upper()] for name in allow}
    latest = (
        "SELECT instrument, day, toInt8(argMax(state, ts_stored)) AS latest FROM ingest_log"
        " WHERE dataset = {dataset:String} AND instrument IN {instruments:Array(UInt32)}"
        " AND day >= {first:Date} AND day <= {last:Date}"
        " AND ts_stored <= fromUnixTimestamp64Nano({by:Int64}, 'UTC') GROUP BY instrument, day"
    )
    parameters = {
        "dataset": dataset, "instruments": list(instruments), "first": days[0], "last": days[-1],
        "by": _FOREVER if stored_by_ns is None else stored_by_ns, "good": [int(state) for state in good],
    }
    # Counted by ClickHouse: four million days of instruments took ten seconds in Python.
    count = f"SELECT count() FROM ({latest}) WHERE latest IN {{good:Array(Int8)}}"  # noqa: S608 - values are bound
    if client.query(count, parameters=parameters).result_rows[0][0] == len(days) * len(set(instruments)):
        return
    found = {
        (instrument, day): IngestState(state)
        for instrument, day, state in client.query(latest, parameters=parameters).result_rows
    }
    bad = [
        (instrument, day, state)
        for instrument in instruments
        for day in days
        if (state := found.get((instrument, day), IngestState.MISSING)) not in good
    ]
    if bad:
        instrument, day, state = bad[0]
        raise TickhouseError(
            StoreCode.DATA_NOT_COMPLETE,
            dataset=dataset,
            instrument=instrument,
            day=day,
            state=state.label,
            days_like_it=len(bad),
        )


def published(client: Client, datasets: Collection[str], instruments: Collection[int], first: date, last: date
              ) -> pl.DataFrame:
    """`dataset, instrument, day` that were called complete or empty and have not gone missing since, `last` included.

    What comes later to such a day is news: readers have had the day without it.
    """
    return reader.query(
        client,
        "SELECT dataset, instrument, day FROM ingest_log WHERE dataset IN {datasets:Array(String)}"
        " AND instrument IN {instruments:Array(UInt32)} AND day >= {first:Date} AND day <= {last:Date}"
        " GROUP BY dataset, instrument, day"
        " HAVING maxIf(ts_stored, state IN ('complete', 'verified_empty')) > maxIf(ts_stored, state = 'missing')",
        {"datasets": list(datasets), "instruments": list(instruments), "first": first, "last": last},
    ).with_columns(pl.col("day").cast(pl.Date))


def days_between(start_ns: int, end_ns: int) -> list[date]:
    """The UTC days that [start_ns, end_ns) touches, none when it is empty."""
    if end_ns <= start_ns:
        return []
    first, last = start_ns // DAY_NS, (end_ns - 1) // DAY_NS
    epoch = datetime(1970, 1, 1, tzinfo=UTC).date()
    return [epoch + timedelta(days=day) for day in range(first, last + 1)]

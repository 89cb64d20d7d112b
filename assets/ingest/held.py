"""What the ingest log knows of days before a run touches them: read once a run, not once a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from store import reader
from store.ingest_log import IngestState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from clickhouse_connect.driver.client import Client

    from assets.ingest.wanted import Wanted

WHOLE = frozenset({IngestState.COMPLETE, IngestState.VERIFIED_EMPTY})


@dataclass(frozen=True, slots=True)
class Entry:
    """The last word on a day."""

    state: IngestState
    content_hash: str
    fingerprint: str
    source: str
    rows: int
    detail: str


Key = tuple[str, int, "date"]  # label, instrument, day


def load(client: Client, venue: str, wanted: Sequence[Wanted]) -> dict[Key, Entry]:
    """The last entry of each wanted day that has one."""
    if not wanted:
        return {}
    frame = reader.query(
        client,
        "SELECT dataset, instrument, day, toInt8(argMax(state, ts_stored)) AS state,"
        " argMax(content_hash, ts_stored) AS content_hash, argMax(fingerprint, ts_stored) AS fingerprint,"
        " argMax(source, ts_stored) AS source, argMax(rows, ts_stored) AS rows,"
        " argMax(detail, ts_stored) AS detail"
        " FROM ingest_log WHERE venue = {venue:String} AND dataset IN {labels:Array(String)}"
        " AND instrument IN {instruments:Array(UInt32)} AND day >= {first:Date} AND day <= {last:Date}"
        " GROUP BY dataset, instrument, day",
        {
            "venue": venue, "labels": sorted({one.subject.label for one in wanted}),
            "instruments": sorted({one.life.id for one in wanted}),
            "first": min(one.days[0] for one in wanted), "last": max(one.days[-1] for one in wanted),
        },
    )
    names = ("dataset", "instrument", pl.col("day").cast(pl.Date), "state", "content_hash", "fingerprint", "source",
             "rows", "detail")
    return {
        (label, instrument, day): Entry(IngestState(state), *rest)
        for label, instrument, day, state, *rest in frame.select(names).iter_rows()
    }

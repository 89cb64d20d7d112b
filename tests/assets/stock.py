"""Rows and their ingest log written as an ingest would have, for tests of what comes after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from market.dataset import Dataset, label
from quality import record
from quality.gate import Finding
from quality.rule import Severity
from store import datasets, ingest_log, instruments
from store.ingest_log import IngestEntry, IngestState
from tests.quality.frames import START, frame, life, walk

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DAY_NS = 86_400_000_000_000
SECOND_NS = 1_000_000_000


def lives(client: Client, *venues: str) -> None:
    """An instrument a venue, of the same pair, numbered from 1."""
    instruments.write(client, [
        (replace(life(venue), id=at, base="BTC", quote="USDT", valid_from=1), 1) for at, venue in enumerate(venues, 1)
    ])


def put(
    client: Client, dataset: Dataset, rows: pl.DataFrame, state: IngestState = IngestState.COMPLETE,
    venue: str = "binance", interval_s: int = 60, run_id: str = "ingest", **warnings: str,
) -> None:
    """Writes the rows, an entry a day, and for each of `warnings` a failed check of that name on every day."""
    name = label(dataset, interval_s)
    datasets.write(client, dataset, rows.drop("day"), int(START + 400 * DAY_NS))
    instrument = int(rows["instrument"][0])
    entries, findings = [], []
    for (day,), part in rows.partition_by("day", as_dict=True).items():
        entries.append(IngestEntry(name, venue, instrument, day, state, part.height, f"hash of {part.height}",
                                   "test", run_id))
        findings += [Finding(check, Severity.WARNING, instrument, day, 1, observed, "")
                     for check, observed in warnings.items()]
    record.findings(client, name, venue, findings, run_id)
    ingest_log.record(client, entries)


def trades(days: int = 1, every_s: int = 14) -> pl.DataFrame:
    """Trades all day long."""
    count = days * 86_400 // every_s
    times = [START + at * every_s * SECOND_NS for at in range(count)]
    return frame(
        Dataset.TRADES, ts_event=times, ts_known=times, trade_id=list(range(count)), price=walk(count),
        qty=[1 + at % 7 for at in range(count)], side=[1] * count, flags=[0] * count,
    )


def latest(client: Client, dataset: str = "bars", instrument: int = 1) -> dict[str, tuple[str, str]]:
    """State and detail of each day, by its date."""
    rows = client.query(
        "SELECT toString(day), toString(argMax(state, ts_stored)), argMax(detail, ts_stored) FROM ingest_log"
        " WHERE dataset = {dataset:String} AND instrument = {instrument:UInt32} GROUP BY day ORDER BY day",
        parameters={"dataset": dataset, "instrument": instrument},
    ).result_rows
    return {day: (state, detail) for day, state, detail in rows}

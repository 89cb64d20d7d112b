"""What the live flow left in the tables, and what is written about it in the ingest log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.ingest import days as calendar
from assets.ingest.held import WHOLE
from assets.seal_compare import updates
from market.dataset import Dataset
from store import ingest_log, reader
from store.ingest_log import IngestEntry, IngestState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl
    from clickhouse_connect.driver.client import Client

    from assets.ingest.held import Entry, Key
    from assets.seal_compare import Updates
    from market.instrument import Instrument

LIVE = "live"
SEALED = "sealed"
_EDGE_NS = 60_000_000_000  # a recording that begins and ends within a minute of midnight covers the day
_IDS = {Dataset.QUOTES: ("seq", "seq"), Dataset.BOOK_DELTAS: ("first_seq", "last_seq")}


def recorded(client: Client, dataset: Dataset, day: date) -> set[int]:
    """Instruments of which the live flow wrote rows that day."""
    time = "ts_event" if dataset is Dataset.TRADES else "ts_recv"
    found = reader.query(
        client,
        f"SELECT DISTINCT instrument FROM {dataset}"  # noqa: S608 - a name of ours, values are bound
        f" WHERE source = {{live:String}} AND {reader.in_range(time)}",
        _span(day),
    )
    return set(found["instrument"].to_list())


def trades(client: Client, life: Instrument, day: date) -> pl.DataFrame:
    """The trades that were heard."""
    return reader.query(
        client,
        "SELECT trade_id, ts_event, price, qty, toUInt8(side) AS side"  # noqa: S608 - values are bound
        " FROM trades WHERE source = {live:String}"
        f" AND instrument = {{id:UInt32}} AND {reader.in_range()} ORDER BY ts_event, trade_id, ts_known",
        _span(day) | {"id": life.id},
    )


def seal_updates(
    client: Client, dataset: Dataset, life: Instrument, day: date, held: Mapping[Key, Entry], run_id: str
) -> Updates:
    """How continuous quotes or book updates are; the day is `partial` unless ids prove that nothing is missing.

    A day that is whole from files stays so.
    """
    first, last = _IDS[dataset]
    columns = ", ".join(dict.fromkeys(["ts_recv", first, last]))
    found = updates(reader.query(
        client,
        f"SELECT {columns} FROM {dataset}"  # noqa: S608 - names of ours, values are bound
        f" WHERE source = {{live:String}} AND instrument = {{id:UInt32}}"
        f" AND {reader.in_range('ts_recv')} ORDER BY ts_recv, {last}",
        _span(day) | {"id": life.id},
    ), first, last)
    start, end = calendar.start_ns(day), calendar.start_ns(day) + calendar.DAY_NS
    covered = found.first_ns - start < _EDGE_NS and end - found.last_ns < _EDGE_NS
    proved = first != last and covered and not found.holes and not found.backwards
    state = IngestState.COMPLETE if proved else IngestState.PARTIAL
    entry = held.get((str(dataset), life.id, day))
    if not entry or (entry.state not in WHOLE and (entry.state, entry.rows) != (state, found.rows)):
        detail = f"live holes={found.holes} backwards={found.backwards} silence_s={found.longest_silence_s:.1f}"
        ingest_log.record(client, [IngestEntry(
            str(dataset), life.venue, life.id, day, state, found.rows, "", LIVE, run_id, detail
        )])
    return found


def _span(day: date) -> dict[str, object]:
    start = calendar.start_ns(day)
    return {"live": LIVE, "start_ns": start, "end_ns": start + calendar.DAY_NS}

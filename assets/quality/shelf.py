"""Rows of a span of days as cross checks take them, a day at a time: read once for the span, not once a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from market.dataset import Dataset, label
from quality.frames import DAY_NS
from store import datasets, ingest_log, reader
from store.ingest_log import IngestState

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from market.instrument import Instrument

_READABLE = ("partial", "quarantined", "missing")
_WHOLE = frozenset({IngestState.COMPLETE, IngestState.VERIFIED_EMPTY})


class Shelf:
    """Days of [first, last] of any instrument. Trades are read by the day: a month of them may be too much."""

    def __init__(self, client: Client, first: date, last: date) -> None:
        self._client = client
        self._first, self._end = first, last + timedelta(days=1)
        self._states: dict[tuple[str, str], dict[tuple[int, date], IngestState]] = {}
        self._spans: dict[tuple[Dataset, int, int], pl.DataFrame] = {}
        self._days: dict[tuple[Dataset, int, int], dict[date, pl.DataFrame]] = {}

    def whole(self, dataset: Dataset, life: Instrument, day: date, interval_s: int = 60) -> bool:
        """Whether the ingest log calls the day complete or empty."""
        name = (label(dataset, interval_s), life.venue)
        if name not in self._states:
            self._states[name] = ingest_log.states(self._client, *name, self._first, self._end)
        return self._states[name].get((life.id, day)) in _WHOLE

    def day(self, dataset: Dataset, life: Instrument, day: date, interval_s: int = 60) -> pl.DataFrame:
        """Rows of the day, whatever its state."""
        start = calendar.start_ns(day)
        if dataset is Dataset.TRADES:
            return self._read(dataset, life, start, start + DAY_NS, interval_s)
        key = (dataset, life.id, interval_s)
        if key not in self._days:
            rows = self.span(dataset, life, interval_s).with_columns(
                _day=(pl.col("ts_event") // DAY_NS).cast(pl.Int32).cast(pl.Date)
            )
            parts = rows.partition_by("_day", as_dict=True, include_key=False, maintain_order=True)
            self._days[key] = {day: part for (day,), part in parts.items()}
        return self._days[key].get(day, self.span(dataset, life, interval_s).clear())

    def span(self, dataset: Dataset, life: Instrument, interval_s: int = 60) -> pl.DataFrame:
        """Rows of all days."""
        key = (dataset, life.id, interval_s)
        if key not in self._spans:
            start, end = calendar.start_ns(self._first), calendar.start_ns(self._end)
            self._spans[key] = self._read(dataset, life, start, end, interval_s)
        return self._spans[key]

    def before(self, life: Instrument, interval_s: int) -> pl.DataFrame:
        """The last bar before the first day, however long ago; no row where there is none."""
        found = reader.query(
            self._client,
            "SELECT max(ts_event) AS last FROM bars WHERE instrument = {instrument:UInt32}"
            " AND interval_s = {interval_s:UInt32} AND ts_event < fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')",
            {"instrument": life.id, "interval_s": interval_s, "start_ns": calendar.start_ns(self._first)},
        )["last"][0]
        if not found:
            return self.span(Dataset.BARS, life, interval_s).clear()
        return self._read(Dataset.BARS, life, found, found + 1, interval_s)

    def _read(self, dataset: Dataset, life: Instrument, start: int, end: int, interval_s: int) -> pl.DataFrame:
        return datasets.read(
            self._client, dataset, [life.id], start, end, allow=_READABLE, interval_s=interval_s
        )

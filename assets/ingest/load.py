"""Write, audit, publish: a chunk of days of one instrument is fetched, judged, and only its good days are written.

The order matters: rows first, ingest log last. A crash in between leaves days that the log does not call complete,
so no reader takes them and the next run writes them again, which changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from quality import gate, record, suites
from quality.gate import Finding
from quality.rule import Context, Severity
from store import ingest_log, reader
from store.ingest_log import IngestEntry, IngestState
from venues import facts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.ingest.feeds import Feed
    from assets.ingest.source import Source
    from market.instrument import Instrument


class Change(StrEnum):
    """What a run did to a day."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REVISED = "revised"
    KEPT_OUT = "kept out"


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """What we have of a day of an instrument after the run."""

    instrument: int
    symbol: str
    day: date
    state: IngestState
    change: Change
    rows: int       # that the venue gave
    written: int    # that were new to us or revised; of a chunk, booked on its days by their rows


@dataclass(frozen=True, slots=True)
class Chunk:
    """Days of one instrument as the venue gave them: `frame` has the feed's columns and `day`."""

    life: Instrument
    days: list[date]
    frame: pl.DataFrame
    asked_at: int   # by the venue's clock, ns, before the first row was asked for


def load(
    client: Client,
    source: Source,
    feed: Feed,
    lives: Sequence[Instrument],
    days: Sequence[date],
    run_id: str,
) -> Iterator[tuple[list[DayOutcome], list[Finding]]]:
    """For each instrument and chunk of days: what became of the days, and the gate's findings on them."""
    wanted = [(life, chunk) for life in lives for chunk in calendar.chunks(days, feed.chunk_days)]
    # One thread ahead: the venue answers while the last chunk is judged and written.
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(fetch, source, feed, *wanted[0])] if wanted else []
        for item in [*wanted[1:], None]:
            current = ahead.pop().result()
            if item is not None:
                ahead.append(pool.submit(fetch, source, feed, *item))
            yield publish(client, feed, current, run_id)


def fetch(source: Source, feed: Feed, life: Instrument, days: list[date]) -> Chunk:
    """The venue's rows of these days; days that came empty are asked for a second time."""

    def ask(first: date, last: date) -> pl.DataFrame:
        end_ns = calendar.start_ns(last) + calendar.DAY_NS
        return feed.fetch(source, life, calendar.start_ns(first), end_ns)

    asked_at = source.now()
    parts = [ask(days[0], days[-1])]
    found = set(_with_day(parts[0], days)["day"])
    empty = [day for day in days if day not in found]
    parts += [ask(again[0], again[-1]) for again in calendar.chunks(empty, feed.chunk_days)]
    return Chunk(life, days, _with_day(pl.concat(parts), days), asked_at)


def publish(client: Client, feed: Feed, chunk: Chunk, run_id: str) -> tuple[list[DayOutcome], list[Finding]]:
    """Writes the good days, quarantines the bad rows, records every day."""
    life, venue, dataset = chunk.life, chunk.life.venue, str(feed.dataset)
    by_day = {key[0]: part.drop("day") for key, part in chunk.frame.partition_by("day", as_dict=True).items()}
    judged = pl.DataFrame(
        {"instrument": life.id, "day": [day for day in chunk.days if day in by_day]},
        schema={"instrument": pl.UInt32, "day": pl.Date},
    )
    suite = suites.get(feed.dataset, Context(life, facts.of(venue)))
    verdict = gate.judge(suite, chunk.frame, judged)
    verdict = replace(verdict, findings=(*verdict.findings, *_ended(chunk)))
    held = _held(client, dataset, venue, life.id, chunk.days)
    outcomes, entries = [], []
    for day in chunk.days:
        rows = by_day.get(day)
        state = _state(rows, verdict.worst(life.id, day))
        digest = "" if rows is None else ingest_log.content_hash(rows)
        change = _change(state, digest, held.get(day))
        count = 0 if rows is None else rows.height
        outcomes.append(DayOutcome(life.id, life.symbol, day, state, change, count, 0))
        if change is not Change.UNCHANGED:
            source = "" if rows is None else str(rows["source"][0])
            entries.append(IngestEntry(dataset, venue, life.id, day, state, count, digest, source, run_id, change))
    fresh = [o.day for o in outcomes if o.change in {Change.NEW, Change.REVISED} and o.day in by_day]
    touched = {entry.day for entry in entries}
    written = 0
    if fresh:
        written = feed.write(client, pl.concat(by_day[day] for day in fresh), time.time_ns())
    record.quarantine(client, dataset, venue, chunk.frame, verdict.rejected, run_id)
    record.findings(client, dataset, venue, [f for f in verdict.findings if f.day in touched], run_id)
    ingest_log.record(client, entries)
    return _book(outcomes, fresh, written), list(verdict.findings)


def _with_day(frame: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Adds each row's day; a row outside the wanted days goes to the nearest, where the gate finds it."""
    day = (pl.col("ts_event") // calendar.DAY_NS).cast(pl.Int32).cast(pl.Date)
    return frame.with_columns(day=day.clip(days[0], days[-1]))


def _ended(chunk: Chunk) -> list[Finding]:
    """A day that still runs by the venue's clock cannot be complete, however good its rows."""
    return [
        Finding(
            "day_has_ended", Severity.WARNING, chunk.life.id, day,
            failing_rows=int(calendar.start_ns(day) + calendar.DAY_NS > chunk.asked_at),
            observed=f"venue_clock={chunk.asked_at}", expected="asked after the day's end",
        )
        for day in chunk.days
    ]


def _state(rows: pl.DataFrame | None, worst: Severity | None) -> IngestState:
    if rows is None:
        return IngestState.MISSING if worst else IngestState.VERIFIED_EMPTY
    if worst is Severity.ERROR:
        return IngestState.QUARANTINED
    return IngestState.PARTIAL if worst is Severity.WARNING else IngestState.COMPLETE


def _change(state: IngestState, digest: str, held: tuple[IngestState, str] | None) -> Change:
    if state is IngestState.QUARANTINED:
        return Change.KEPT_OUT
    if held == (state, digest):
        return Change.UNCHANGED
    return Change.NEW if held is None or held[0] is IngestState.QUARANTINED else Change.REVISED


def _book(outcomes: list[DayOutcome], fresh: list[date], written: int) -> list[DayOutcome]:
    """Books the rows written on the fresh days, in proportion to their rows, the total kept."""
    total = sum(o.rows for o in outcomes if o.day in fresh)
    edges, seen = [0], 0
    for outcome in outcomes:
        seen += outcome.rows if outcome.day in fresh else 0
        edges.append(written * seen // total if total else 0)
    return [replace(o, written=end - start) for o, (start, end) in zip(outcomes, pairwise(edges), strict=True)]


def _held(
    client: Client, dataset: str, venue: str, instrument: int, days: Sequence[date]
) -> dict[date, tuple[IngestState, str]]:
    """State and content hash of each day that the ingest log knows."""
    frame = reader.query(
        client,
        "SELECT day, toInt8(argMax(state, ts_stored)) AS state, argMax(content_hash, ts_stored) AS content_hash"
        " FROM ingest_log WHERE dataset = {dataset:String} AND venue = {venue:String}"
        " AND instrument = {instrument:UInt32} AND day >= {first:Date} AND day <= {last:Date} GROUP BY day",
        {"dataset": dataset, "venue": venue, "instrument": instrument, "first": days[0], "last": days[-1]},
    )
    return {
        day: (IngestState(state), digest)
        for day, state, digest in frame.select(pl.col("day").cast(pl.Date), "state", "content_hash").rows()
    }

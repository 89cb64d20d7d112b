"""Write, audit, publish: a chunk of days of one life is judged, and only its good days are written.

The order matters: rows first, ingest log last. A crash in between leaves days that the log does not call complete,
so no reader takes them and the next run writes them again, which changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from assets.ingest.held import WHOLE, Entry, Key
from assets.ingest.outcome import Change, DayOutcome, Progress
from quality import gate, record, suites
from quality.gate import Finding
from quality.rule import Context, Severity
from store import datasets, ingest_log
from store.ingest_log import IngestEntry, IngestState
from venues import facts

if TYPE_CHECKING:
    from datetime import date

    from clickhouse_connect.driver.client import Client

    from assets.ingest.fetch import Chunk, Kept
    from assets.ingest.wanted import Wanted
    from venues.source import Source


@dataclass(frozen=True, slots=True)
class Press:
    """What every publication of a run needs."""

    client: Client
    source: Source
    venue: str                   # in the ingest log
    held: Mapping[Key, Entry]
    run_id: str

    def kept(self, kept: Kept) -> Progress:
        """Days that are whole: nothing is written, not even into the log."""
        return Progress([self._outcome(kept.wanted, day, Change.KEPT) for day in kept.days])

    def chunk(self, chunk: Chunk) -> Progress:
        """Writes the good days, quarantines the bad rows, records every day that changed."""
        wanted, life, name = chunk.wanted, chunk.wanted.life, chunk.wanted.subject.label
        by_day = {key[0]: part.drop("day") for key, part in chunk.frame.partition_by("day", as_dict=True).items()}
        verdict = _judge(chunk, list(by_day))
        findings = (*verdict.findings, *_ended(chunk))
        worst = _worst(findings)
        outcomes, entries = [], []
        for day in chunk.days:
            rows, held = by_day.get(day), self.held.get((name, life.id, day))
            state = _state(rows, worst.get(day))
            digest = "" if rows is None else ingest_log.content_hash(rows.drop("line", strict=False))
            count = 0 if rows is None else rows.height
            if held and _stays(held, state, self.source.name):
                outcomes.append(self._outcome(wanted, day, Change.KEPT))
                continue
            change = _change(state, digest, held)
            outcomes.append(DayOutcome(life.id, life.symbol, name, day, state, change, count, 0))
            fingerprint = chunk.fingerprints.get(day, "")
            if change is not Change.UNCHANGED or (held and held.fingerprint != fingerprint):
                entries.append(IngestEntry(
                    name, self.venue, life.id, day, state, count, digest, self.source.name, self.run_id, change,
                    fingerprint,
                ))
        fresh = [o.day for o in outcomes if o.change in {Change.NEW, Change.REVISED} and o.day in by_day]
        touched = {entry.day for entry in entries}
        written = 0
        if fresh:
            frame = pl.concat(by_day[day] for day in fresh)
            written = datasets.write(self.client, wanted.subject.dataset, frame, time.time_ns())
        request = wanted.request(chunk.days[0], chunk.days[-1])
        record.quarantine(
            self.client, name, self.venue, chunk.frame, verdict.rejected, self.run_id,
            raw=lambda bad: self.source.raw(request, bad),
        )
        record.findings(self.client, name, self.venue, [f for f in findings if f.day in touched], self.run_id)
        ingest_log.record(self.client, entries)
        return Progress(_book(outcomes, fresh, written), findings)

    def _outcome(self, wanted: Wanted, day: date, change: Change) -> DayOutcome:
        life, name = wanted.life, wanted.subject.label
        held = self.held.get((name, life.id, day))
        state, rows = (held.state, held.rows) if held else (IngestState.MISSING, 0)
        return DayOutcome(life.id, life.symbol, name, day, state, change, rows, 0)


def _judge(chunk: Chunk, days: list[date]) -> gate.Verdict:
    wanted = chunk.wanted
    context = Context(wanted.life, facts.of(wanted.life.venue), wanted.subject.interval_s, wanted.subject.series,
                      wanted.since)
    judged = pl.DataFrame(
        {"instrument": wanted.life.id, "day": sorted(days)}, schema={"instrument": pl.UInt32, "day": pl.Date}
    )
    return gate.judge(suites.get(wanted.subject.dataset, context), chunk.frame, judged)


def _ended(chunk: Chunk) -> list[Finding]:
    """A day that still runs by the source's clock cannot be complete, however good its rows."""
    return [
        Finding(
            "day_has_ended", Severity.WARNING, chunk.wanted.life.id, day,
            failing_rows=int(calendar.start_ns(day) + calendar.DAY_NS > chunk.asked_at),
            observed=f"venue_clock={chunk.asked_at}", expected="asked after the day's end",
        )
        for day in chunk.days
    ]


def _worst(findings: Sequence[Finding]) -> dict[date, Severity]:
    worst: dict[date, Severity] = {}
    for finding in findings:
        if not finding.passed:
            worst[finding.day] = max(finding.severity, worst.get(finding.day, finding.severity))
    return worst


def _state(rows: pl.DataFrame | None, worst: Severity | None) -> IngestState:
    if rows is None:
        return IngestState.MISSING if worst else IngestState.VERIFIED_EMPTY
    if worst is Severity.ERROR:
        return IngestState.QUARANTINED
    return IngestState.PARTIAL if worst is Severity.WARNING else IngestState.COMPLETE


def _stays(held: Entry, state: IngestState, source: str) -> bool:
    """A whole day stays whole when another source knows less of it, or this one no longer has it."""
    if held.state not in WHOLE or state is IngestState.COMPLETE:
        return False
    return held.source != source or state is IngestState.MISSING


def _change(state: IngestState, digest: str, held: Entry | None) -> Change:
    if state is IngestState.QUARANTINED:
        return Change.KEPT_OUT
    if held is not None and (held.state, held.content_hash) == (state, digest):
        return Change.UNCHANGED
    return Change.NEW if held is None or held.state is IngestState.QUARANTINED else Change.REVISED


def _book(outcomes: list[DayOutcome], fresh: list[date], written: int) -> list[DayOutcome]:
    """Books the rows written on the fresh days, in proportion to their rows, the total kept."""
    new = set(fresh)
    total = sum(o.rows for o in outcomes if o.day in new)
    edges, seen = [0], 0
    for outcome in outcomes:
        seen += outcome.rows if outcome.day in new else 0
        edges.append(written * seen // total if total else 0)
    return [replace(o, written=end - start) for o, (start, end) in zip(outcomes, pairwise(edges), strict=True)]

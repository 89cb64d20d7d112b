"""Write, audit, publish: a chunk of days of one life is judged, and only its good days are written.

The order matters: rows first, ingest log last. A crash in between leaves days that the log does not call complete,
so no reader takes them and the next run writes them again, which changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import audit, digest
from assets.ingest.held import WHOLE, Entry, Key
from assets.ingest.outcome import Change, DayOutcome, Progress
from market.dataset import SCHEMAS
from quality import record
from quality.gate import Finding, Verdict
from quality.rule import Severity
from store import datasets, ingest_log
from store.ingest_log import IngestEntry, IngestState

_WRITE_ROWS = 1_000_000

if TYPE_CHECKING:
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

    def chunks(self, chunks: Sequence[Chunk]) -> Progress:
        """Chunks of one dataset: writes the good days, quarantines the bad rows, records every day that changed."""
        dataset = chunks[0].wanted.subject.dataset
        verdicts = audit.judge(chunks)
        settled = [self._settle(chunk, verdict) for chunk, verdict in zip(chunks, verdicts, strict=True)]
        fresh = [one.rows() for one in settled if one.fresh]
        written = 0
        if len(fresh) == 1 and fresh[0].height > _WRITE_ROWS:
            # A huge day is mapped, not held: it goes out as it came in, piece by piece.
            written = sum(datasets.write(self.client, dataset, part, time.time_ns())
                          for part in fresh[0].iter_slices(_WRITE_ROWS))
        elif fresh:
            written = datasets.write(self.client, dataset, pl.concat(fresh), time.time_ns())
        for one, verdict in zip(settled, verdicts, strict=True):
            self._keep_out(one.chunk, verdict)
        self._record_findings(settled)
        ingest_log.record(self.client, [entry for one in settled for entry in one.entries])
        outcomes = [outcome for one in settled for outcome in one.outcomes]
        new = {(one.chunk.wanted.subject.label, one.chunk.wanted.life.id, day) for one in settled for day in one.fresh}
        return Progress(_book(outcomes, new, written), [f for one in settled for f in one.findings])

    def _settle(self, chunk: Chunk, verdict: Verdict) -> _Settled:
        wanted, life, name = chunk.wanted, chunk.wanted.life, chunk.wanted.subject.label
        by_day = _by_day(chunk)
        worst, digests = _worst(verdict.findings), digest.by_day(chunk.frame, wanted.subject.dataset)
        settled = _Settled(chunk, verdict.findings)
        for day in chunk.days:
            rows, held = by_day.get(day), self.held.get((name, life.id, day))
            state = _state(rows, worst.get(day))
            count = 0 if rows is None else rows.height
            if held and _stays(held, state, self.source.name):
                settled.outcomes.append(self._outcome(wanted, day, Change.KEPT))
                continue
            content = digests.get(day, "")
            change = _change(state, content, held)
            settled.outcomes.append(DayOutcome(life.id, life.symbol, name, day, state, change, count, 0))
            fingerprint = chunk.fingerprints.get(day, "")
            if change is not Change.UNCHANGED or (held and held.fingerprint != fingerprint):
                settled.entries.append(IngestEntry(
                    name, self.venue, life.id, day, state, count, content, self.source.name, self.run_id, change,
                    fingerprint,
                ))
            if change in {Change.NEW, Change.REVISED} and rows is not None:
                settled.fresh[day] = rows
        return settled

    def _keep_out(self, chunk: Chunk, verdict: Verdict) -> None:
        wanted = chunk.wanted
        request = wanted.request(chunk.days[0], chunk.days[-1])
        record.quarantine(
            self.client, wanted.subject.label, self.venue, chunk.frame, verdict.rejected, self.run_id,
            raw=lambda bad: self.source.raw(request, bad),
        )

    def _record_findings(self, settled: Sequence[_Settled]) -> None:
        by_label: dict[str, list[Finding]] = {}
        for one in settled:
            touched = {entry.day for entry in one.entries}
            found = by_label.setdefault(one.chunk.wanted.subject.label, [])
            found += [finding for finding in one.findings if finding.day in touched]
        for name, found in by_label.items():
            record.findings(self.client, name, self.venue, found, self.run_id)

    def _outcome(self, wanted: Wanted, day: date, change: Change) -> DayOutcome:
        life, name = wanted.life, wanted.subject.label
        held = self.held.get((name, life.id, day))
        state, rows = (held.state, held.rows) if held else (IngestState.MISSING, 0)
        return DayOutcome(life.id, life.symbol, name, day, state, change, rows, 0)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What is to be done about a chunk."""

    chunk: Chunk
    findings: Sequence[Finding]
    outcomes: list[DayOutcome] = field(default_factory=list)
    entries: list[IngestEntry] = field(default_factory=list)
    fresh: dict[date, pl.DataFrame] = field(default_factory=dict)  # days whose rows are to be written

    def rows(self) -> pl.DataFrame:
        """The fresh days' rows in the columns of the dataset."""
        parts = list(self.fresh.values())
        frame = parts[0] if len(parts) == 1 else pl.concat(parts)
        return frame.select(list(SCHEMAS[self.chunk.wanted.subject.dataset]))


def _by_day(chunk: Chunk) -> dict[date, pl.DataFrame]:
    if len(chunk.days) == 1:  # as it is: it may be huge
        return {chunk.days[0]: chunk.frame} if chunk.frame.height else {}
    parts = chunk.frame.partition_by("day", as_dict=True, maintain_order=True)
    return {day: part for (day,), part in parts.items()}


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


def _change(state: IngestState, content: str, held: Entry | None) -> Change:
    if state is IngestState.QUARANTINED:
        return Change.KEPT_OUT
    if held is not None and (held.state, held.content_hash) == (state, content):
        return Change.UNCHANGED
    return Change.NEW if held is None or held.state is IngestState.QUARANTINED else Change.REVISED


def _book(outcomes: list[DayOutcome], fresh: Collection[Key], written: int) -> list[DayOutcome]:
    """Books the rows written on the fresh days, in proportion to their rows, the total kept."""
    weights = [o.rows if (o.label, o.instrument, o.day) in fresh else 0 for o in outcomes]
    total, edges, seen = sum(weights), [0], 0
    for weight in weights:
        seen += weight
        edges.append(written * seen // total if total else 0)
    return [replace(o, written=end - start) for o, (start, end) in zip(outcomes, pairwise(edges), strict=True)]

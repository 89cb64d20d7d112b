"""Chunks before the gate: many small ones in one go, a huge day in slices, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from quality import gate, suites
from quality.gate import Finding, Verdict
from quality.rule import Context, Severity
from store.datasets import KEYS
from venues import facts

if TYPE_CHECKING:
    from assets.ingest.fetch import Chunk
    from quality.rule import Suite

SLICE_ROWS = 1_000_000
_DAYS = {"instrument": pl.UInt32, "day": pl.Date}


def judge(chunks: Sequence[Chunk]) -> list[Verdict]:
    """A verdict for each chunk of one dataset; days that came without rows have none but whether they have ended."""
    verdicts = [Verdict((), pl.DataFrame(schema={"row": pl.UInt32, "reason": pl.String})) for _ in chunks]
    small = [at for at, chunk in enumerate(chunks) if 0 < chunk.frame.height <= SLICE_ROWS]
    items = [(_suite(chunks[at]), chunks[at].frame, _days(chunks[at].frame)) for at in small]
    for at, verdict in zip(small, gate.judge_many(items) if items else [], strict=True):
        verdicts[at] = verdict
    for at, chunk in enumerate(chunks):
        if chunk.frame.height > SLICE_ROWS:
            verdicts[at] = _in_slices(chunk)
        verdicts[at] = replace(verdicts[at], findings=(*verdicts[at].findings, *_ended(chunk)))
    return verdicts


def _suite(chunk: Chunk) -> Suite:
    wanted = chunk.wanted
    context = Context(
        wanted.life, facts.of(wanted.life.venue), wanted.subject.interval_s, wanted.subject.series,
        asked_ns=chunk.answered_at,
    )
    return suites.get(wanted.subject.dataset, context)


def _days(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in _DAYS.items()).unique(maintain_order=True)


def _in_slices(chunk: Chunk) -> Verdict:
    """Slices overlap by one row, so that rules on neighbours see each pair; keys are compared over the whole."""
    frame, suite = chunk.frame.with_row_index("row"), _suite(chunk)
    verdicts = []
    for start in range(0, frame.height, SLICE_ROWS):
        part = frame.slice(max(start - 1, 0), SLICE_ROWS + min(start, 1))
        verdicts.append(gate.judge(suite, part, _days(part)))
    merged: dict[tuple[str, object], Finding] = {}
    for finding in (one for verdict in verdicts for one in verdict.findings):
        before = merged.get((finding.rule, finding.day), replace(finding, failing_rows=0, observed="", rows=()))
        merged[finding.rule, finding.day] = replace(
            before, failing_rows=before.failing_rows + finding.failing_rows,
            observed=before.observed or finding.observed, rows=(before.rows + finding.rows)[:gate.NAMED],
        )
    rejected = pl.concat(verdict.rejected for verdict in verdicts).unique(maintain_order=True)
    twice = _twice(chunk, verdicts)
    findings = (*merged.values(), *([twice] if twice else []))
    return Verdict(findings, rejected)


def _twice(chunk: Chunk, verdicts: Sequence[Verdict]) -> Finding | None:
    """Rows whose key comes again in another slice; hashed, because the keys of a day of books do not fit in memory."""
    hashes = chunk.frame.select(KEYS[chunk.wanted.subject.dataset]).hash_rows()
    again = chunk.frame.height - hashes.n_unique()
    known = {"key_unique", "duplicates"}
    seen = sum(f.failing_rows for verdict in verdicts for f in verdict.findings if f.rule in known)
    if again <= seen:
        return None
    return Finding(
        "keys_unique_over_the_day", Severity.WARNING, chunk.wanted.life.id, chunk.days[0], again - seen,
        f"{again} rows repeat a key", "no key twice, however far apart",
    )


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

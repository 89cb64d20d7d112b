"""Days that could not be had: absent files, unreadable ones, sources that did not answer. Each gets its own state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from assets.ingest.held import WHOLE
from assets.ingest.outcome import Change, DayOutcome, Progress
from quality import record
from quality.gate import Finding
from quality.rule import Severity
from store import ingest_log, writer
from store.ingest_log import IngestEntry, IngestState
from venues.files.errors import FileCode

if TYPE_CHECKING:
    from assets.ingest.outcome import Trouble
    from assets.ingest.publish import Press
    from infra.errors import TickhouseError

_EXCERPT = 2_000    # bytes of a broken file that are kept
_LONGEST = 1 << 20  # of a line
# What says that the bytes are there and wrong; anything else says nothing about the day.
_UNREADABLE = frozenset({
    FileCode.FILE_CHECKSUM_WRONG, FileCode.FILE_TRUNCATED, FileCode.FILE_NOT_DATA, FileCode.FILE_HEADER_CHANGED,
    FileCode.FILE_ROW_BAD, FileCode.FILE_STAMPS_MIXED,
})


@dataclass(frozen=True, slots=True)
class Terms:
    """What the source's publisher promises."""

    lag_s: int = 0          # how long after its day a file is given
    required: bool = True   # False: a day without a file is a day without rows


def settle(press: Press, trouble: Trouble, terms: Terms) -> Progress:
    """States for the days of `trouble`: missing, verified empty, quarantined, or none where nothing is known."""
    if trouble.error.code is FileCode.FILE_MISSING:
        return _absent(press, trouble, terms)
    if trouble.error.code in _UNREADABLE:
        return _unreadable(press, trouble)
    return Progress([_outcome(press, trouble, day, None, Change.NOT_TOLD) for day in trouble.days], troubles=[trouble])


def _absent(press: Press, trouble: Trouble, terms: Terms) -> Progress:
    now = press.source.now()
    outcomes, findings, entries = [], [], []
    for day in trouble.days:
        held = press.held.get((trouble.wanted.subject.label, trouble.wanted.life.id, day))
        if now < _due(trouble, day, terms):
            outcomes.append(_outcome(press, trouble, day, None, Change.NOT_YET))
        elif held and held.state in WHOLE:
            outcomes.append(_outcome(press, trouble, day, None, Change.KEPT))  # its publisher took it away
        else:
            state = IngestState.MISSING if terms.required else IngestState.VERIFIED_EMPTY
            change = Change.UNCHANGED if held and held.state is state else Change.NEW
            outcomes.append(_outcome(press, trouble, day, state, change))
            if change is Change.NEW:
                entries.append(_entry(press, trouble, day, state))
            findings.append(_finding("file_is_there", trouble, day, Severity.WARNING, failing=terms.required))
    touched = {entry.day for entry in entries}
    new = [finding for finding in findings if finding.day in touched]
    record.findings(press.client, trouble.wanted.subject.label, press.venue, new, press.run_id)
    ingest_log.record(press.client, entries)
    return Progress(outcomes, findings)


def _unreadable(press: Press, trouble: Trouble) -> Progress:
    """The file is kept out with an excerpt of its bytes; days that were whole before stay as they are."""
    name, life = trouble.wanted.subject.label, trouble.wanted.life
    findings = [_finding("file_is_readable", trouble, day, Severity.ERROR, failing=True) for day in trouble.days]
    outcomes, entries = [], []
    for day in trouble.days:
        held = press.held.get((name, life.id, day))
        if held and held.state in WHOLE:
            outcomes.append(_outcome(press, trouble, day, None, Change.KEPT))
        else:
            outcomes.append(_outcome(press, trouble, day, IngestState.QUARANTINED, Change.KEPT_OUT))
            entries.append(_entry(press, trouble, day, IngestState.QUARANTINED))
    contexts = [trouble.errors[day].context for day in trouble.days]
    writer.insert(press.client, "quarantine", pl.DataFrame({
        "dataset": name, "venue": press.venue, "instrument": [life.id] * len(contexts), "day": trouble.days,
        "reason": trouble.error.code.name,
        "row_key": [f"{context.get('file', '')}:{context.get('line', '')}" for context in contexts],
        "source": press.source.name,
        "payload": [excerpt(trouble.errors[day]) for day in trouble.days],
        "run_id": press.run_id,
    }, schema_overrides={"instrument": pl.UInt32}))
    record.findings(press.client, name, press.venue, findings, press.run_id)
    ingest_log.record(press.client, entries)
    return Progress(outcomes, findings, [trouble])


def excerpt(error: TickhouseError) -> str:
    """What the source has there: the part that the error quotes, else the bytes round the line or at the beginning.

    Of a file that is not on this machine, and of packed bytes, only what the error says.
    """
    quoted = error.context.get("excerpt") or error.context.get("row")
    if quoted:
        return str(quoted)[:_EXCERPT]
    file, line = Path(str(error.context.get("file", ""))), error.context.get("line")
    if not file.is_file():
        return str(error)[:_EXCERPT]
    with file.open("rb") as content:
        for _ in range(line - 1 if isinstance(line, int) else 0):
            content.readline(_LONGEST)
        return content.read(_EXCERPT).decode(errors="backslashreplace")


def _due(trouble: Trouble, day: date, terms: Terms) -> int:
    """When the day's file should be there, ns: a month's file comes after the month, whatever the day."""
    told = trouble.errors[day].context.get("due")
    try:
        return int(datetime.fromisoformat(str(told)).timestamp()) * 1_000_000_000
    except ValueError:  # the file's path has no time
        return calendar.start_ns(day) + calendar.DAY_NS + terms.lag_s * 1_000_000_000


def _entry(press: Press, trouble: Trouble, day: date, state: IngestState) -> IngestEntry:
    name, life, detail = trouble.wanted.subject.label, trouble.wanted.life, f"code={trouble.error.code.name}"
    return IngestEntry(name, press.venue, life.id, day, state, 0, "", press.source.name, press.run_id, detail)


def _finding(rule: str, trouble: Trouble, day: date, severity: Severity, *, failing: bool) -> Finding:
    said = str(trouble.errors[day])[:500]
    return Finding(rule, severity, trouble.wanted.life.id, day, int(failing), said, "a whole file")


def _outcome(press: Press, trouble: Trouble, day: date, state: IngestState | None, change: Change) -> DayOutcome:
    name, life = trouble.wanted.subject.label, trouble.wanted.life
    held = press.held.get((name, life.id, day))
    if state is None:
        state = held.state if held else IngestState.MISSING
    return DayOutcome(life.id, life.symbol, name, day, state, change, held.rows if held else 0, 0)

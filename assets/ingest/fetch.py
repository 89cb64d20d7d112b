"""What the source has, in bites: days that are whole are not asked for, days that fail do not take others with them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, takewhile
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from assets.ingest import days as calendar
from assets.ingest.gather import gather, with_day
from assets.ingest.held import WHOLE
from assets.ingest.outcome import Trouble
from infra.errors import ErrorCode, TickhouseError
from venues.errors import VenueCode
from venues.files.errors import FileCode
from venues.files.source import OUTSIDE

if TYPE_CHECKING:
    from pathlib import Path

    from assets.ingest.held import Entry, Key
    from assets.ingest.wanted import Wanted
    from venues.source import Request, Source

T = TypeVar("T")
# After so many lives in a row that a source did not answer for, the rest is not asked for: each costs its patience.
GIVE_UP_AFTER = 3
SILENT: frozenset[ErrorCode] = frozenset(
    {VenueCode.VENUE_UNREACHABLE, VenueCode.VENUE_RATE_LIMITED, FileCode.FILE_UNREACHABLE}
)
# What no other day of the same life would escape.
_OF_THE_LIFE = SILENT | {VenueCode.VENUE_NOT_OFFERED, VenueCode.VENUE_SYMBOL_UNKNOWN, VenueCode.VENUE_REFUSED}
# What nothing of the run would escape.
_OF_THE_RUN: frozenset[ErrorCode] = frozenset({
    FileCode.FILE_DISK_FULL, FileCode.FILE_STORAGE_UNKNOWN, FileCode.FORMAT_UNKNOWN, VenueCode.VENUE_UNKNOWN,
    VenueCode.SOURCES_INVALID,
})
_IN_A_ROW = 2  # days that a venue fails for, each after its patience, before the rest of the chunk is given up


@dataclass(frozen=True, slots=True)
class Kept:
    """Days that are whole and were not asked for."""

    wanted: Wanted
    days: Sequence[date]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Days as the source gave them: `frame` has the dataset's columns, `day`, and `line` where rows have a place."""

    wanted: Wanted
    days: Sequence[date]
    frame: pl.DataFrame
    asked_at: int                    # by the source's clock, ns, before the first row was asked for
    answered_at: int                 # the same clock when the last row had come
    fingerprints: Mapping[date, str] = field(default_factory=dict)


Bite = Kept | Chunk | Trouble


def ahead(make: Iterator[T]) -> Iterator[T]:
    """The same items, each made in a thread while the one before is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, make, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, make, None)
            yield item


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Asks one source for what one run wants."""

    source: Source
    held: Mapping[Key, Entry]
    staging: Path
    recheck: bool = False

    def bites(self, wanted: Sequence[Wanted]) -> Iterator[Bite]:
        """Everything wanted, life by life, at most one chunk in memory."""
        silent = 0
        for one in wanted:
            if silent >= GIVE_UP_AFTER:
                error = TickhouseError(VenueCode.VENUE_UNREACHABLE, venue=self.source.venue, request=one.subject.label,
                                       problem=f"silent for {silent} instruments before this one, so it was not asked")
                yield Trouble(one, dict.fromkeys(one.days, error))
                continue
            answered = True
            for bite in self._of_life(one):
                if isinstance(bite, Trouble) and bite.error.code in SILENT:
                    answered = False
                yield bite
            silent = 0 if answered else silent + 1

    def _of_life(self, wanted: Wanted) -> Iterator[Bite]:
        prints, kept = {}, []
        for day in wanted.days:
            entry = self.held.get((wanted.subject.label, wanted.life.id, day))
            prints[day] = _fingerprint(self.source, wanted.request(day, day))
            if not self.recheck and entry and entry.state in WHOLE and prints[day] in {"", entry.fingerprint}:
                kept.append(day)
        if kept:
            yield Kept(wanted, kept)
        done = set(kept)
        queue = [day for day in wanted.days if day not in done]
        pace: float | None = None
        while queue:
            days = _next_days(queue, wanted.subject.chunk_days(pace), prints)
            queue = queue[len(days):]
            rows = 0
            try:
                for chunk in self.fetch(wanted, days, prints):
                    rows += chunk.frame.height
                    yield chunk
                pace = rows / len(days)
            except TickhouseError as error:
                if error.code in _OF_THE_RUN:
                    raise
                if error.code in _OF_THE_LIFE:
                    yield Trouble(wanted, dict.fromkeys([*days, *queue], error))
                    return
                if len(days) == 1 or _one_file(days, prints):
                    yield Trouble(wanted, dict.fromkeys(days, error))
                else:
                    yield from self._one_by_one(wanted, days, prints)

    def fetch(self, wanted: Wanted, days: Sequence[date], prints: Mapping[date, str]) -> Iterator[Chunk]:
        """The source's rows of these days, in one chunk or in one a day; the source is read to its end before.

        Days that came empty are asked for a second time, unless a file said so.
        """
        asked_at, began = self.source.now(), time.monotonic_ns()
        dataset = wanted.subject.dataset
        for own, found in gather(self.source.fetch(wanted.request(days[0], days[-1])), dataset, days, self.staging):
            frame, there = found, set(found["day"].unique())
            empty = [day for day in own if day not in there and not prints.get(day)]
            if empty:
                spans = [wanted.request(span[0], span[-1]) for span in calendar.chunks(empty, len(empty))]
                again = [part for part in chain.from_iterable(map(self.source.fetch, spans)) if not part.is_empty()]
                if again:
                    frame = pl.concat([frame, with_day(pl.concat(again), dataset, own)], how="diagonal")
            answered_at = asked_at + time.monotonic_ns() - began
            yield Chunk(wanted, own, frame, asked_at, answered_at, {day: prints.get(day, "") for day in own})

    def _one_by_one(self, wanted: Wanted, days: Sequence[date], prints: Mapping[date, str]) -> Iterator[Bite]:
        """Day by day, so that a day that fails stands alone; a file that is broken is read once."""
        failed: dict[date, TickhouseError] = {}
        broken: dict[str, TickhouseError] = {}
        in_a_row = 0
        for at, day in enumerate(days):
            error = broken.get(prints[day])
            if error is None:
                try:
                    yield from self.fetch(wanted, [day], prints)
                    in_a_row = 0
                    continue
                except TickhouseError as raised:
                    if raised.code in _OF_THE_RUN:
                        raise
                    error = raised
            failed[day] = error
            if prints[day]:
                broken[prints[day]] = error
            in_a_row += isinstance(error.code, VenueCode)
            if error.code in _OF_THE_LIFE or in_a_row >= _IN_A_ROW:
                failed |= dict.fromkeys(days[at:], error)
                break
        codes = {error.code for error in failed.values()}
        for code in sorted(codes):
            yield Trouble(wanted, {day: error for day, error in failed.items() if error.code is code})


def _next_days(queue: Sequence[date], size: int, prints: Mapping[date, str]) -> list[date]:
    """The next `size` days without a hole, and the further ones of the last day's file: it is read once."""
    days = next(calendar.chunks(queue, size))
    # Days that a file does not reach are asked for apart: they are missing, while those beside them are whole.
    outside = prints[days[0]].endswith(OUTSIDE)
    days = list(takewhile(lambda day: prints[day].endswith(OUTSIDE) is outside, days))
    run = next(calendar.chunks(queue, len(queue)))
    for day in run[len(days):]:
        if not prints[day] or prints[day] != prints[days[-1]]:
            break
        days.append(day)
    return days


def _one_file(days: Sequence[date], prints: Mapping[date, str]) -> bool:
    """Whether all these days come from the same file."""
    return bool(prints[days[0]]) and len({prints[day] for day in days}) == 1


def _fingerprint(source: Source, request: Request) -> str:
    """The source's fingerprint; none where it cannot be had, and then fetching says why."""
    try:
        return source.fingerprint(request)
    except TickhouseError:
        return ""

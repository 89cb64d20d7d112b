"""What the source has, in bites: days that are whole are not asked for, days that fail do not take others with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from assets.ingest import days as calendar
from assets.ingest.held import WHOLE
from assets.ingest.outcome import Trouble
from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset, clock
from venues.errors import VenueCode
from venues.files.errors import FileCode

if TYPE_CHECKING:
    from assets.ingest.held import Entry, Key
    from assets.ingest.wanted import Wanted
    from venues.source import Request, Source

T = TypeVar("T")
# After so many lives in a row that a source did not answer for, the rest is not asked for: each costs its patience.
GIVE_UP_AFTER = 3
SILENT = frozenset({VenueCode.VENUE_UNREACHABLE, FileCode.FILE_UNREACHABLE})


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
    fingerprints: Mapping[date, str] = field(default_factory=dict)


Bite = Kept | Chunk | Trouble


def ahead(make: Iterator[T]) -> Iterator[T]:
    """The same items, each made in a thread while the one before is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, make, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, make, None)
            yield item


def bites(
    source: Source, wanted: Sequence[Wanted], held: Mapping[Key, Entry], *, recheck: bool = False
) -> Iterator[Bite]:
    """Everything wanted, life by life, at most one chunk in memory."""
    silent = 0
    for one in wanted:
        if silent >= GIVE_UP_AFTER:
            error = TickhouseError(VenueCode.VENUE_UNREACHABLE, venue=source.venue, request=one.subject.label,
                                   problem=f"silent for {silent} instruments before this one, so it was not asked")
            yield Trouble(one, one.days, error)
            continue
        answered = True
        for bite in _of_life(source, one, held, recheck=recheck):
            if isinstance(bite, Trouble) and bite.error.code in SILENT:
                answered = False
            yield bite
        silent = 0 if answered else silent + 1


def _of_life(source: Source, wanted: Wanted, held: Mapping[Key, Entry], *, recheck: bool) -> Iterator[Bite]:
    prints, kept = {}, []
    for day in wanted.days:
        entry = held.get((wanted.subject.label, wanted.life.id, day))
        prints[day] = _fingerprint(source, wanted.request(day, day))
        if not recheck and entry and entry.state in WHOLE and prints[day] in {"", entry.fingerprint}:
            kept.append(day)
    if kept:
        yield Kept(wanted, kept)
    done = set(kept)
    queue = [day for day in wanted.days if day not in done]
    pace: float | None = None
    while queue:
        chunk = next(calendar.chunks(queue, wanted.subject.chunk_days(pace)))
        queue = queue[len(chunk):]
        try:
            bite = fetch(source, wanted, chunk, prints)
        except TickhouseError as error:
            if error.code in SILENT:
                yield Trouble(wanted, [*chunk, *queue], error)
                return
            yield from _one_by_one(source, wanted, chunk, prints) if len(chunk) > 1 else [Trouble(wanted, chunk, error)]
            continue
        pace = bite.frame.height / len(chunk)
        yield bite


def fetch(source: Source, wanted: Wanted, days: Sequence[date], prints: Mapping[date, str]) -> Chunk:
    """The source's rows of these days; days that came empty are asked for a second time, unless a file said so."""

    def ask(first: date, last: date) -> list[pl.DataFrame]:
        return list(source.fetch(wanted.request(first, last)))

    asked_at = source.now()
    dataset = wanted.subject.dataset
    parts = ask(days[0], days[-1])
    found = {day for part in parts for day in _with_day(part, dataset, days)["day"].unique()}
    empty = [day for day in days if day not in found and not prints.get(day)]
    for again in calendar.chunks(empty, len(days)):
        parts += ask(again[0], again[-1])
    parts = [part for part in parts if not part.is_empty()]
    frame = pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMAS[dataset])
    return Chunk(wanted, days, _with_day(frame, dataset, days), asked_at, {day: prints.get(day, "") for day in days})


def _one_by_one(source: Source, wanted: Wanted, days: Sequence[date], prints: Mapping[date, str]) -> Iterator[Bite]:
    """Day by day, so that a day that fails stands alone; days of one broken file are not read again and again."""
    broken: dict[str, TickhouseError] = {}
    for at, day in enumerate(days):
        if error := broken.get(prints[day]):
            yield Trouble(wanted, [day], error)
            continue
        try:
            yield fetch(source, wanted, [day], prints)
        except TickhouseError as error:
            if error.code in SILENT:
                yield Trouble(wanted, days[at:], error)
                return
            if prints[day]:
                broken[prints[day]] = error
            yield Trouble(wanted, [day], error)


def _fingerprint(source: Source, request: Request) -> str:
    """The source's fingerprint; none where it cannot be had, and then fetching says why."""
    try:
        return source.fingerprint(request)
    except TickhouseError:
        return ""


def _with_day(frame: pl.DataFrame, dataset: Dataset, days: Sequence[date]) -> pl.DataFrame:
    """Adds each row's day; a row outside the wanted days goes to the nearest, where the gate finds it."""
    day = (pl.col(clock(dataset)) // calendar.DAY_NS).cast(pl.Int32).cast(pl.Date)
    return frame.with_columns(day=day.clip(days[0], days[-1]))

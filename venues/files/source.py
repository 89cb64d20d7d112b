"""Bulk files as a source of history: the files that a span needs, found, checked, read once each, and cut to it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import TickhouseError
from market.dataset import clock
from venues.errors import VenueCode
from venues.files import checksum, paths, registry
from venues.files.cut import Cut
from venues.files.download import Downloads
from venues.files.errors import FileCode
from venues.files.extent import Extent, measure
from venues.files.format import Opened, Spilling, TellingRows
from venues.files.open import lines, opened
from venues.request import Patience

if TYPE_CHECKING:
    import polars as pl

    from market.instrument import InstrumentSpec
    from venues.catalogue import Files
    from venues.source import Request

OUTSIDE = " outside"  # ends the fingerprint of what a file without a time in its path does not reach
_SECOND = 1_000_000_000
_BELIEVED_S = 60.0  # what a place told about a file is not asked again within this time


@dataclass(frozen=True, slots=True)
class Expected:
    """A file that a request needs."""

    path: str
    start: int       # the span that it is for, ns
    end: int
    dated: bool      # its path has a placeholder of time
    due: int         # ns: when it should have been published
    inside: bool     # False: it holds at most some rows of the request's edge, and may be absent
    required: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """What a file's place tells of it."""

    present: bool
    tag: str         # changes when the file does; "" where nothing tells
    checksum: str    # as published
    at: float        # monotonic


class FileSource:
    """One entry of config/sources.toml; `staging` is where files of other machines wait to be read."""

    def __init__(
        self, entry: Files, staging: Path | None = None, patience: Patience | None = None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = f"{entry.format}:{entry.name}"
        self.venue = entry.venue
        self._entry = entry
        self._format = registry.get(entry.format)
        self._now = now
        options = entry.storage | secrets(entry)
        self._files = Downloads(lambda: staging or _staging(), options, patience or Patience())
        self._told: dict[str, _Told] = {}
        self._extents: dict[tuple[object, ...], Extent] = {}

    def now(self) -> int:
        """This machine's clock: files have none."""
        return self._now()

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentSpec]:  # noqa: ARG002 - files know none
        """None."""
        return []

    def expected(self, request: Request) -> list[Expected]:
        """The files that the request needs, in time order."""
        entry, margin = self._entry, self._margin(request)
        found = []
        name = self._file_symbol(request)
        for one in paths.covering(entry.path, request.life, request.start, request.end, margin, name):
            inside = one.start < request.end and request.start < one.end
            due = one.end + entry.lag_s * _SECOND
            found.append(Expected(one.path, one.start, one.end, one.dated, due, inside, entry.required and inside))
        return found

    def fingerprint(self, request: Request) -> str:
        """Of the files that the request needs: their published checksums, else what their place tells of them.

        "" where one is absent or its place tells nothing. No file is downloaded, but one whose path names no time: it
        is read once, and what it does not reach has a fingerprint that ends with `OUTSIDE`.
        """
        tags = []
        files = self.expected(request)
        for file in files:
            told = self._ask(file, request)
            if not told.tag and file.inside:
                return ""
            tags.append(told.tag)
        if not files[0].dated:
            with suppress(TickhouseError):  # a broken file: fetching it says so
                reached = self._extent(files[0], request).reaches(request.start, request.end)
                return tags[0] if reached else f"{tags[0]}{OUTSIDE}"
        return tags[0] if len(tags) == 1 else checksum.of_text("\n".join(tags))

    def fetch(self, request: Request) -> Iterator[pl.DataFrame]:
        """As `venues.source.Source`; FILE_MISSING where a file of the span is absent, before anything is read, and
        where the one file for all time ends before the span or begins after it.

        Each file is read once, whatever the length of the span. Rows stamped with a time that their file is not for
        are given too, with the file's first or last day: they are faults, and the checks shall see them.
        """
        files = self.expected(request)
        for file in files:
            if file.inside and not self._ask(file, request).present:
                raise self._missing(file)
        if not files[0].dated:
            extent = self._extent(files[0], request)
            if not extent.reaches(request.start, request.end):
                raise TickhouseError(FileCode.FILE_MISSING, file=files[0].path, problem=str(extent))
        cut = Cut(request, self._margin(request), self.name, self._file_symbol(request))
        for file in files:
            # A neighbour belongs to other days and may be absent; it holds rows of our edge at most.
            if file.inside or self._ask(file, request).present:
                with self._open(file, request) as content:
                    for part in self._format.read(content):
                        rows = cut.rows(part, file.start, file.end, inside=file.inside)
                        if rows.height:
                            yield rows
        cut.finish(files[0].path)

    def raw(self, request: Request, rows: pl.DataFrame) -> list[str]:
        """The lines of the files as text, without their line ends; bytes that are no UTF-8 are escaped."""
        out = [""] * rows.height
        if "line" not in rows.columns or not rows.height:
            return out
        numbers = rows["line"].to_list()
        for file, mine in self._places(request, rows):
            with self._open(file, request) as content:
                told = self._lines(content, [numbers[at] for at in mine])
            for at in mine:
                out[at] = told.get(numbers[at], "")
        return out

    def close(self) -> None:
        """Removes what was downloaded."""
        self._files.close()

    def _places(self, request: Request, rows: pl.DataFrame) -> Iterator[tuple[Expected, list[int]]]:
        """Which of the rows stand in which file: the one of their time, or, where rows spill, the one that has them."""
        files, margin = self.expected(request), self._margin(request)
        if not margin:
            inside = [file for file in files if file.inside]
            nearest = [_nearest(inside, ts).path for ts in rows[clock(request.dataset)].to_list()]
            for file in inside:
                if mine := [at for at, path in enumerate(nearest) if path == file.path]:
                    yield file, mine
            return
        named = [clock(request.dataset), "line"]
        left = rows.select(named).with_row_index("_at")
        for file in files:
            if not self._ask(file, request).present:
                continue
            found: set[int] = set()
            with self._open(file, request) as content:
                for part in self._format.read(content):
                    if part.dataset is request.dataset:
                        found |= set(left.join(part.frame.select(named), on=named, how="semi")["_at"])
            if found:
                yield file, sorted(found)

    def _extent(self, file: Expected, request: Request) -> Extent:
        """What a file without a time in its path tells of: read once."""
        key = (file.path, self._ask(file, request).tag, request.life.id, request.dataset, request.series)
        if key not in self._extents:
            with self._open(file, request) as content:
                self._extents[key] = measure(self._format.read(content), request)
        return self._extents[key]

    def _file_symbol(self, request: Request) -> str:
        return str(self._entry.options.get("symbols", {}).get(request.life.symbol, ""))

    def _expand(self, template: str, file: Expected, request: Request) -> str:
        return paths.expand(template, request.life, _day(file, request), self._file_symbol(request))

    def _margin(self, request: Request) -> int:
        spills = isinstance(self._format, Spilling) and clock(request.dataset) == "ts_event"
        return self._format.spill_s * _SECOND if spills and isinstance(self._format, Spilling) else 0

    def _lines(self, content: Opened, numbers: Sequence[int]) -> dict[int, str]:
        if isinstance(self._format, TellingRows):
            return self._format.raw(content, numbers)
        found = lines(content.content, numbers)
        return {number: line.decode(errors="backslashreplace") for number, line in found.items()}

    def _ask(self, file: Expected, request: Request) -> _Told:
        told = self._told.get(file.path)
        if told is None or time.monotonic() - told.at > _BELIEVED_S:
            said = self._published(file, request) if self._entry.checksum else ""
            tag = said or self._files.tag(file.path)
            # A file without its checksum will be refused: no fingerprint says that it is known.
            known = said if self._entry.checksum else tag or ""
            told = self._told[file.path] = _Told(tag is not None, known, said, time.monotonic())
        return told

    def _published(self, file: Expected, request: Request) -> str:
        template = self._entry.checksum.replace("{path}", file.path.replace("{", "{{").replace("}", "}}"))
        url = self._expand(template, file, request)
        self._files.forget(url)
        found = self._files.get(url)
        if found is None:
            return ""
        try:
            return checksum.said(found, file.path)
        finally:
            self._files.forget(url)

    @contextmanager
    def _open(self, file: Expected, request: Request) -> Iterator[Opened]:
        told = self._ask(file, request)
        if self._entry.checksum and told.present and not told.checksum:
            raise TickhouseError(FileCode.FILE_CHECKSUM_WRONG, file=file.path, problem="it has no published checksum")
        path = self._files.get(file.path, told.checksum)
        if path is None:
            raise self._missing(file)
        member = self._expand(str(self._entry.options.get("member", "")), file, request)
        with opened(path, file.path, member) as (name, content):
            yield Opened(name, content, request.life, self._entry.options)

    def _missing(self, file: Expected) -> TickhouseError:
        self._told.pop(file.path, None)
        due = datetime.fromtimestamp(file.due // _SECOND, UTC).isoformat() if file.dated else "any time"
        return TickhouseError(FileCode.FILE_MISSING, file=file.path, due=due)


def secrets(entry: Files) -> dict[str, Any]:
    """fsspec options from the environment: TICKHOUSE_STORAGE_<VENUE>_<NAME>_KEY=x gives key="x"; {...} is JSON.

    SOURCES_INVALID for JSON that is none.
    """
    prefix = f"TICKHOUSE_STORAGE_{entry.venue}_{entry.name}_".upper()
    found: dict[str, Any] = {}
    for name, value in os.environ.items():
        if name.startswith(prefix):
            try:
                found[name.removeprefix(prefix).lower()] = json.loads(value) if value.startswith("{") else value
            except ValueError as error:
                raise TickhouseError(VenueCode.SOURCES_INVALID, key=name, problem=f"not JSON: {error}") from error
    return found


def _staging() -> Path:
    from infra.home import Home
    from infra.settings import load

    return Home(load().home).staging / "files"


def _nearest(files: Sequence[Expected], ts: int | None) -> Expected:
    """The file whose span holds the moment, or is nearest to it."""
    if ts is None or ts < files[0].start:
        return files[0]
    return next((file for file in files if file.start <= ts < file.end), files[-1])


def _day(file: Expected, request: Request) -> date:
    return datetime.fromtimestamp((file.start if file.dated else max(request.start, 0)) // _SECOND, UTC).date()

"""A dated series as a source of history: asked over HTTP or read from a file, known when it was published."""

from __future__ import annotations

import hashlib
import re
import string
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset
from venues.errors import VenueCode
from venues.files.download import Downloads
from venues.files.errors import FileCode
from venues.files.open import opened
from venues.files.table import LINE
from venues.index import answer, dated
from venues.index.errors import IndexCode
from venues.request import Patience

if TYPE_CHECKING:
    from pathlib import Path

    from market.instrument import InstrumentSpec
    from venues.catalogue import Index
    from venues.source import Request

_SECOND = 1_000_000_000
_BELIEVED_S = 60.0  # an answer is used again within this time: the days of a backfill come from one
_KEPT = 4
_LIMIT = re.compile(r"[?&](?:limit|per_page|page_size|size|count|n)=(\d+)")


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer, and when it came (monotonic)."""

    frame: pl.DataFrame
    raw: dict[int, str]
    at: float


class IndexSource:
    """One `index` entry of config/sources.toml; `staging` is where answers wait to be read."""

    venue = "series"

    def __init__(
        self, entry: Index, staging: Path | None = None, patience: Patience | None = None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = f"index:{entry.name}"
        self._entry = entry
        self._now = now
        self._files = Downloads(lambda: staging or _staging(), {}, patience or Patience())
        self._told: dict[str, _Told] = {}

    def now(self) -> int:
        """This machine's clock."""
        return self._now()

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentSpec]:  # noqa: ARG002 - a series knows none
        """None."""
        return []

    def fetch(self, request: Request) -> Iterator[pl.DataFrame]:
        """As `venues.source.Source`; VENUE_NOT_OFFERED for a dataset or series that the entry does not have.

        `ts_known` is the row's own publication time where the entry names its column, else the time plus the lag. Of a
        value that was published several times the last counts. SERIES_* and FILE_ROW_BAD name the URL and the
        row.
        """
        rows = self._rows(request)
        if rows.is_empty():
            return
        full = rows.with_columns(
            pl.lit(request.series).alias("series"), pl.lit(request.life.id).alias("instrument"),
            pl.lit(self.name).alias("source"), pl.col(LINE).cast(pl.Int64),
        )
        schema = SCHEMAS[Dataset.SERIES]
        yield full.select(*(pl.col(name).cast(kind) for name, kind in schema.items()), LINE)

    def fingerprint(self, request: Request) -> str:
        """Hash of the values and their times, so that a restated one is noticed; "" where there is none, and where the
        URL names a span: then each day would cost a request.
        """
        if "{start" in self._entry.url or "{end" in self._entry.url:
            return ""
        rows = self._rows(request).drop(LINE)
        if rows.is_empty():
            return ""
        return hashlib.sha256(rows.write_csv(include_header=False).encode()).hexdigest()

    def raw(self, request: Request, rows: pl.DataFrame) -> list[str]:
        """The publisher's rows: JSON objects, or lines of CSV."""
        found = self._ask(self._url(request)).raw
        return [found.get(line, "") for line in rows[LINE]] if LINE in rows.columns else [""] * rows.height

    def close(self) -> None:
        """Removes what was downloaded."""
        self._files.close()

    def _rows(self, request: Request) -> pl.DataFrame:
        entry = self._entry
        if request.dataset is not Dataset.SERIES or request.series not in entry.columns:
            raise TickhouseError(
                VenueCode.VENUE_NOT_OFFERED, venue=self.name, dataset=request.dataset, series=request.series,
                offered=", ".join(entry.columns),
            )
        url = self._url(request)
        told = self._ask(url)
        self._reaches(url, told.frame, request.start)
        return dated.taken(told.frame, told.raw, url, request.series, request.life, request.start, request.end)

    def _reaches(self, url: str, told: pl.DataFrame, start: int) -> None:
        """SERIES_SHORT where the URL limits the number of rows and that many came, none as old as was asked for."""
        limit = _LIMIT.search(url)
        if limit and 0 < int(limit[1]) <= told.height and int(told["ts_event"][0]) > start + 86_400 * _SECOND:
            oldest = told["ts_event"].cast(pl.Datetime("ns"))[0].isoformat()
            raise TickhouseError(IndexCode.SERIES_SHORT, url=url, rows=told.height, oldest=oldest)

    def _ask(self, url: str) -> _Told:
        held = self._told.get(url)
        if held is not None and time.monotonic() - held.at < _BELIEVED_S:
            return held
        entry = self._entry
        self._files.forget(url)
        path = self._files.get(url)
        if path is None:
            raise TickhouseError(FileCode.FILE_MISSING, file=url)
        columns = answer.names([entry.time, entry.published, entry.symbol, *entry.columns.values()])
        with opened(path, url) as (_, content):
            found = (
                answer.read_json(url, content, entry.rows, columns) if entry.kind == "json"
                else answer.read_csv(url, content, columns)
            )
        self._files.forget(url)
        told = _Told(dated.values(entry, url, found), found.raw, time.monotonic())
        while len(self._told) >= _KEPT:
            self._told.pop(next(iter(self._told)))
        self._told[url] = told
        return told

    def _url(self, request: Request) -> str:
        """The entry's URL with the span and the instrument filled in."""
        life = request.life
        values: dict[str, object] = {
            "symbol": life.symbol, "venue_symbol": life.venue_symbol, "base": life.base, "quote": life.quote,
        }
        for name, ns in (("start", request.start), ("end", request.end)):
            values |= {
                name: datetime.fromtimestamp(ns // _SECOND, UTC).date().isoformat(), f"{name}_s": ns // _SECOND,
                f"{name}_ms": ns // 1_000_000,
            }
        try:
            return string.Formatter().vformat(self._entry.url, (), values)
        except (KeyError, IndexError, ValueError) as error:
            raise TickhouseError(
                VenueCode.SOURCES_INVALID, key=f"index.{self._entry.name}.url",
                problem=f"{error}; there are {', '.join(f'{{{name}}}' for name in values)}",
            ) from error


def _staging() -> Path:
    from infra.home import Home
    from infra.settings import load

    return Home(load().home).staging / "index"

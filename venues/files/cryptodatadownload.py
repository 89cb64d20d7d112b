"""`cryptodatadownload`: candle tables in CryptoDataDownload's dialects, and others whose header names the columns.

Read by the header's names, not by place: a banner above it, newest or oldest row first, UTF-16, other columns beside
are all fine. Times are UTC unless the option `zone` says otherwise: `unix` in one unit, or a date in the forms of
`_DATES`; with both, they must agree. The volume is that of the base currency. Options: `interval_s`, `zone`, `time`
(a strptime pattern for the date), `volume` (the column), `stamp` ("end" for bar-end stamps), `delimiter`, `rounded`
and `nearest`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.files import cells, column_map, encoding, table, telling, times
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped
from venues.files.stamps import Stamps

_BANNER = 5  # lines that may stand above the header
_PRICES = ("open", "high", "low", "close")
_UNIX = ("unix", "unix_timestamp", "timestamp", "time", "unix_time", "open_time")
_DATE = ("date", "datetime", "date_utc", "date_time", "timestamp", "time", "open_time", "unix")
_COUNT = ("tradecount", "trade_count", "trades", "count")
# Day first where the year stands last: the publisher's habit. A month above 12 is refused, never swapped.
_DATES = (
    "iso", "%Y-%m-%d %I-%p", "%Y-%m-%d %H-%M-%S", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%d",
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y %I-%p", "%d-%m-%Y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
)
_MAP_OPTIONS = ("interval_s", "stamp", "rounded", "nearest")
_STAMP = "_ts"


class CryptoDataDownload:
    """Candles under a header."""

    name = "cryptodatadownload"
    datasets = (Dataset.BARS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The bars; FILE_HEADER_CHANGED where no header names the four prices, a volume and a time."""
        text = replace(file, content=encoding.utf8(file))
        separator = str(file.options.get("delimiter", ","))
        banner, header = _header(text, separator)
        found = {_plain(name): name for name in reversed(header)}
        clock = _Clock(text, found)
        mapped: Mapped | None = None
        for batch in table.rows(text, table.Layout(separator=separator, banner=banner)):
            mapped = mapped or Mapped(text, _map(text, found, batch))
            yield from mapped.parts(batch.with_columns(clock.ns(batch).alias(_STAMP)))

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The lines at these places."""
        return telling.of_text(file, lines)


class _Clock:
    """The times of one file: how they are written is found in the first batch and kept."""

    def __init__(self, file: Opened, found: dict[str, str]) -> None:
        self._file = file
        self._zone = str(file.options.get("zone", "UTC"))
        self._how = str(file.options.get("time", ""))
        self._unix = next((found[name] for name in _UNIX if name in found), "")
        self._date = next((found[name] for name in _DATE if name in found and found[name] != self._unix), "")
        if not self._unix and not self._date:
            raise TickhouseError(FileCode.FILE_HEADER_CHANGED, file=file.name, missing="a time", found=",".join(found))
        self._stamps = Stamps(file.name)

    def ns(self, batch: pl.DataFrame) -> pl.Series:
        if self._unix and not self._counted(batch):
            # `timestamp` or `time` may hold dates.
            self._unix, self._date = "", self._date or self._unix
        if self._unix and self._date and batch[self._unix].str.contains("[eE]").any():
            self._unix = ""  # 1.57E+12: a spreadsheet has cut the stamps, the dates are whole
        if not self._unix:
            return self._dates(batch)
        counted = self._stamps.ns(batch.with_columns(pl.col(self._unix).str.strip_chars()), self._unix)
        if self._date:
            dates = self._dates(batch)
            apart = (dates != counted).fill_null(value=True)
            cells.refuse(
                self._file.name, batch, {self._date: dates.set(apart, None)}, f"{self._date} and {self._unix} disagree"
            )
        return counted

    def _counted(self, batch: pl.DataFrame) -> bool:
        text = batch[self._unix].str.strip_chars()
        numbers = text.cast(pl.Float64, strict=False)
        # 20190401 is a day, not a second of 1970.
        return numbers.null_count() < len(numbers) and bool((numbers.fill_null(numbers.max()) >= 10**9).any())

    def _dates(self, batch: pl.DataFrame) -> pl.Series:
        text = batch[self._date]
        try:
            if not self._how:
                # The form that reads the most of the first rows; what it does not read is refused with its line.
                self._how = min(_DATES, key=lambda how: times.nanoseconds(text.head(100), how).null_count())
            stamps = times.nanoseconds(text, self._how, self._zone)
        except times.TimeOptionError as error:
            raise _option(self._file, "time", str(error)) from error
        why = f'not a time written as "{self._how}" that exists in {self._zone}'
        cells.refuse(self._file.name, batch, {self._date: stamps}, why)
        return stamps


def _header(file: Opened, separator: str) -> tuple[int, list[str]]:
    """How many lines stand above the header, and the header's cells."""
    start = file.content.tell()
    lines = [file.content.readline() for _ in range(_BANNER + 1)]
    file.content.seek(start)
    for above, raw in enumerate(lines):
        text = raw.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
        try:
            names = next(csv.reader([text], delimiter=separator), [])
        except csv.Error:
            continue
        if set(_PRICES) <= {_plain(name) for name in names} and raw.endswith(b"\n"):
            return above, names
    is_table = lines[0].lstrip()[:1] not in {b"<", b"{", b"["} and any(separator.encode() in raw for raw in lines)
    shown = max(lines, key=lambda raw: raw.count(separator.encode())).decode("utf-8", errors="backslashreplace")
    raise TickhouseError(
        FileCode.FILE_HEADER_CHANGED if is_table else FileCode.FILE_NOT_DATA, file=file.name,
        problem="no header names open, high, low and close", found=shown.strip()[:160],
    )


def _map(file: Opened, found: dict[str, str], batch: pl.DataFrame) -> column_map.ColumnMap:
    columns = {"ts_event": _STAMP, **{name: found[name] for name in _PRICES}}
    symbol = next((found[name] for name in ("symbol", "pair", "ticker") if name in found), "")
    told = batch[symbol][0] or "" if symbol else ""
    columns["volume"] = str(file.options.get("volume", "")) or _volume(file, found, told)
    if columns["volume"] not in found.values():
        raise _option(file, "volume", f"there is no such column: {', '.join(found.values())}")
    count = next((found[name] for name in _COUNT if name in found), "")
    if count:
        columns["count"] = count
    options = {key: file.options[key] for key in _MAP_OPTIONS if key in file.options}
    written = {"dataset": Dataset.BARS, "columns": columns, "time": "ns", "symbol": symbol}
    return column_map.of({**written, **options}, file.name)


def _volume(file: Opened, found: dict[str, str], told: str) -> str:
    """The column of the base currency's volume: named after it, or plainly `volume` and no other."""
    volumes = [name for name in found if name.startswith("volume") or name == "vol"]
    base = file.life.base.lower()
    letters = re.sub("[^a-z0-9]", "", told.lower())
    plain = {f"volume_{base}", "volume_base", "base_volume", "volumefrom", "volume_from"}
    named = [name for name in volumes if name in plain]
    if not named:
        named = [name for name in volumes if name[:7] == "volume_" and letters.startswith(name[7:])]
    if not named and len(volumes) == 1 and volumes[0] in {"volume", "vol"}:
        named = volumes  # a lone `volume_usd` is not of the base currency
    if len(named) != 1:
        raise TickhouseError(
            FileCode.FILE_HEADER_CHANGED, file=file.name, found=",".join(found.values()),
            problem=f"which column is the volume in {file.life.base or 'the base currency'}? name it: option volume",
        )
    return found[named[0]]


def _plain(name: str) -> str:
    """`Volume BTC` and `volume_btc` are one name."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _option(file: Opened, key: str, problem: str) -> TickhouseError:
    from venues.errors import VenueCode

    return TickhouseError(VenueCode.SOURCES_INVALID, file=file.name, key=f"options.{key}", problem=problem)


FORMAT = CryptoDataDownload()

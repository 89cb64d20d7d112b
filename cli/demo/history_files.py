"""Bulk files as Binance publishes them, made of the sandbox exchange's own bars: a zip a day with its CHECKSUM."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.request
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

INTERVAL = "5m"
_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
_HIGH, _LOW, _COUNT = 2, 3, 8
PLANTED_AT = 144  # the bar of 12:00, counted from 0


@dataclass(slots=True)
class Publisher:
    """A folder of files for `symbols` (as the venue writes them); `url` is the sandbox's."""

    folder: Path
    url: str
    symbols: tuple[str, ...]
    _days: dict[tuple[str, date], list[list[str]]] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """The files' path as config/sources.toml names it."""
        return f"{self.folder}/{{venue_symbol}}-{INTERVAL}-{{day}}.zip"

    def fetch(self, first: date, last: date) -> int:
        """How many bars were taken from the sandbox."""
        days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
        for symbol in self.symbols:
            for day in days:
                start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
                end = start + 86_400_000 - 1
                query = f"symbol={symbol}&interval={INTERVAL}&startTime={start}&endTime={end}&limit=500"
                with urllib.request.urlopen(f"{self.url}/fapi/v1/klines?{query}", timeout=60) as answer:  # noqa: S310
                    rows = json.load(answer)
                self._days[symbol, day] = [[str(value) for value in row] for row in rows]
        return sum(len(rows) for rows in self._days.values())

    def publish(self, symbol: str, day: date) -> Path:
        """The file of the day as it should be."""
        return self._write(symbol, day, self._days[symbol, day])

    def publish_all(self) -> None:
        """Every file as it should be."""
        for symbol, day in self._days:
            self.publish(symbol, day)

    def plant_bad_row(self, symbol: str, day: date) -> str:
        """The line that stands in the file from now on: a bar whose high lies below its low."""
        rows = [list(row) for row in self._days[symbol, day]]
        row = rows[PLANTED_AT]
        row[_HIGH], row[_LOW] = row[_LOW], row[_HIGH]
        self._write(symbol, day, rows)
        return ",".join(row)

    def restate(self, symbol: str, day: date) -> tuple[int, int]:
        """Number of trades of one bar before and after: the publisher has corrected it."""
        row = self._days[symbol, day][PLANTED_AT]
        was = int(row[_COUNT])
        row[_COUNT] = str(was + 1)
        self.publish(symbol, day)
        return was, was + 1

    def withhold(self, symbol: str, day: date) -> None:
        """The file is not there."""
        for file in (self._file(symbol, day), self._checksum(symbol, day)):
            file.unlink()

    def _file(self, symbol: str, day: date) -> Path:
        return self.folder / f"{symbol}-{INTERVAL}-{day}.zip"

    def _checksum(self, symbol: str, day: date) -> Path:
        file = self._file(symbol, day)
        return file.with_name(f"{file.name}.CHECKSUM")

    def _write(self, symbol: str, day: date, rows: list[list[str]]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        file, content = self._file(symbol, day), io.BytesIO()
        text = "\n".join([_HEADER, *(",".join(row) for row in rows), ""])
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{file.stem}.csv", text)
        file.write_bytes(content.getvalue())
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        self._checksum(symbol, day).write_text(f"{digest}  {file.name}\n")
        return file

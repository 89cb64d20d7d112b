"""`octobot`: what OctoBot's collectors recorded, an SQLite file with one table `ohlcv` for all symbols and intervals.

`timestamp` is a bar's end and the JSON in `candle` begins with its open. Options: `interval_s` (3600 or "1h") for one
interval only, `symbol` where the file writes another than the life's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.errors import VenueCode
from venues.files import cells, column_map, intervals, sqlite, telling
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped

_TABLE = "ohlcv"
_CANDLE = {name: f"json_extract(candle, '$[{place}]')" for place, name in enumerate(
    ("ts_event", "open", "high", "low", "close", "volume")
)}
_CODES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")


class OctoBot:
    """Candles of one symbol, interval after interval."""

    name = "octobot"
    datasets = (Dataset.BARS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The bars; FILE_ROW_BAD where a stamp is not the candle's end, SOURCES_INVALID for an unknown interval."""
        symbol = str(file.options.get("symbol", file.life.symbol.partition(":")[0])).replace("'", "''")
        for code in _codes(file):
            condition = f"time_frame = '{code}'" + (f" AND symbol = '{symbol}'" if symbol else "")
            yield from _bars(file, intervals.seconds(code) or 0, condition)

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The rows at these places, as JSON."""
        return telling.of_batches(sqlite.rows(file, _TABLE, (), sqlite.among(lines)), lines)


def _bars(file: Opened, length: int, condition: str) -> Iterator[Part]:
    columns = column_map.of(
        {"dataset": Dataset.BARS, "columns": _CANDLE, "time": "s", "interval_s": length, "symbol": "symbol",
         **column_map.numbers(file.options)},
        file.name,
    )
    mapped = Mapped(file, columns)
    for batch in sqlite.rows(file, _TABLE, [*columns.used, "timestamp"], condition):
        for part in mapped.parts(batch):
            stamps = cells.whole(batch["timestamp"], 9)
            wrong = (stamps != part.frame["ts_event"] + length * intervals.SECOND).fill_null(value=True)
            if wrong.any():
                cells.refuse(file.name, batch, {"timestamp": stamps.set(wrong, None)}, "not the end of its candle")
            yield part


def _codes(file: Opened) -> Sequence[str]:
    """The interval that the options name, else all that the file has."""
    told = file.options.get("interval_s")
    if told is None:
        frames = [batch["time_frame"] for batch in sqlite.rows(file, _TABLE, ["time_frame"])]
        found = pl.concat(frames).unique().to_list() if frames else []
        return [code for code in _CODES if code in found]
    length = intervals.seconds(told) if isinstance(told, str) else int(told)
    codes = [code for code in _CODES if intervals.seconds(code) == length]
    if not codes:
        raise TickhouseError(
            VenueCode.SOURCES_INVALID, file=file.name, key="options.interval_s", problem=f"one of {', '.join(_CODES)}"
        )
    return codes


FORMAT = OctoBot()

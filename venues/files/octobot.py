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
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped
from venues.files.table import LINE

_TABLE = "ohlcv"
_CANDLE = {name: f"json_extract(candle, '$[{place}]')" for place, name in enumerate(
    ("ts_event", "open", "high", "low", "close", "volume")
)}
_CODES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
_INTERVAL = "time_frame"


class OctoBot:
    """Candles of one symbol, of every interval that the options do not leave out."""

    name = "octobot"
    datasets = (Dataset.BARS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The bars; FILE_ROW_BAD where a stamp is not the candle's end, SOURCES_INVALID for an unknown interval."""
        mapped: dict[str, Mapped] = {}
        wanted = [*_CANDLE.values(), "symbol", "timestamp", _INTERVAL]
        for rows in sqlite.rows(file, _TABLE, wanted, _condition(file)):
            for (code,), batch in rows.partition_by(_INTERVAL, as_dict=True, maintain_order=True).items():
                length = intervals.seconds(str(code))
                if length is None:
                    raise TickhouseError(
                        FileCode.FILE_ROW_BAD, file=file.name, line=batch[LINE][0], column=_INTERVAL, value=code,
                        problem="not an interval",
                    )
                one = mapped.setdefault(str(code), Mapped(file, _map(file, length)))
                yield from _checked(file, batch, one.parts(batch), length)

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The rows at these places, as JSON."""
        return telling.of_batches(sqlite.rows(file, _TABLE, (), sqlite.among(lines)), lines)


def _map(file: Opened, length: int) -> column_map.ColumnMap:
    return column_map.of(
        {"dataset": Dataset.BARS, "columns": _CANDLE, "time": "s", "interval_s": length, "symbol": "symbol",
         **column_map.numbers(file.options)},
        file.name,
    )


def _checked(file: Opened, batch: pl.DataFrame, parts: Iterator[Part], length: int) -> Iterator[Part]:
    """The parts, if each stamp is the end of its candle."""
    stamps = cells.whole(batch["timestamp"], 9)
    for part in parts:
        wrong = (stamps != part.frame["ts_event"] + length * intervals.SECOND).fill_null(value=True)
        if wrong.any():
            cells.refuse(file.name, batch, {"timestamp": stamps.set(wrong, None)}, "not the end of its candle")
        yield part


def _condition(file: Opened) -> str:
    """The rows that are wanted, in SQL."""
    symbol = str(file.options.get("symbol", file.life.symbol.partition(":")[0])).replace("'", "''")
    parts = [f"symbol = '{symbol}'"] if symbol else []
    if (told := file.options.get("interval_s")) is not None:
        length = intervals.seconds(told) if isinstance(told, str) else int(told)
        codes = [code for code in _CODES if intervals.seconds(code) == length]
        if not codes:
            problem = f"one of {', '.join(_CODES)}"
            raise TickhouseError(VenueCode.SOURCES_INVALID, file=file.name, key="options.interval_s", problem=problem)
        parts.append(f"{_INTERVAL} = '{codes[0]}'")
    return " AND ".join(parts)


FORMAT = OctoBot()

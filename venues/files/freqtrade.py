"""The files of freqtrade's data folder, whatever their container; the name tells what is in one.

`BTC_USDT-5m` bars, `XRP_USDT_USDT-1h-futures` bars, `...-8h-funding_rate` funding rates, `...-trades` trades, and
`...-1h-mark` (or `index`, `premiumIndex`) the series `mark_open`, `mark_high`, `mark_low`, `mark_close`, each known
when its bar ends. Option `rounded`: see floats.py; `interval_s` and `kind` where the name does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.files import column_map, intervals, telling
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped

_CANDLES = ("date", "open", "high", "low", "close", "volume")
_TRADES = ("timestamp", "id", "type", "side", "price", "amount", "cost")
_NAME = re.compile(r"-(?P<interval>\d+(?:m|h|d|w|M|Mo|y))(?:-(?P<kind>[A-Za-z_]+))?(?:\.[A-Za-z0-9.]+)?$")
_BARS = ("", "spot", "futures")
_SERIES = {"mark": "mark", "index": "index", "premiumIndex": "premium_index"}

Reader = Callable[[Opened, tuple[str, ...]], Iterator[pl.DataFrame]]


class Freqtrade:
    """One of the two containers; what is inside is the same."""

    series = tuple(f"{prefix}_{name}" for prefix in _SERIES.values() for name in _CANDLES[1:5])
    datasets = (Dataset.BARS, Dataset.TRADES, Dataset.FUNDING_RATES, Dataset.SERIES)

    def __init__(self, name: str, reader: Reader) -> None:
        self.name = name
        self._reader = reader

    def read(self, file: Opened) -> Iterator[Part]:
        """The rows; FILE_NOT_DATA where the name tells no kind of data that is read here."""
        kind, length = _kind(file)
        names = _TRADES if kind == "trades" else _CANDLES
        batches = self._reader(file, names)
        if kind in _SERIES:
            for batch in batches:
                yield from _series(file, batch, _SERIES[kind], length)
            return
        mapped: Mapped | None = None
        for batch in batches:
            mapped = mapped or Mapped(file, _map(file, kind, length, "symbol" if "symbol" in batch.columns else ""))
            yield from mapped.parts(batch)

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The rows at these places, as JSON."""
        names = _TRADES if _kind(file)[0] == "trades" else _CANDLES
        return telling.of_batches(self._reader(file, names), lines)


def _kind(file: Opened) -> tuple[str, int | None]:
    """What the file holds, and the length of its bars."""
    stem = file.name.replace("\\", "/").rsplit("/", 1)[-1]
    found = _NAME.search(stem)
    told = file.options.get("interval_s") or (found and found["interval"])
    length = intervals.seconds(told) if isinstance(told, str) else told
    kind = str(file.options.get("kind", ""))
    if not kind and re.search(r"-trades(?:\.|$)", stem):
        kind = "trades"
    kind = kind or (found["kind"] if found and found["kind"] else "")
    if kind not in {*_BARS, *_SERIES, "trades", "funding_rate"}:
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem=f"the name tells an unknown kind: {kind}")
    return kind, length


def _map(file: Opened, kind: str, length: int | None, symbol: str) -> column_map.ColumnMap:
    if kind == "trades":
        columns = {"ts_event": "timestamp", "trade_id": "id", "side": "side", "price": "price", "qty": "amount"}
        options: dict[str, Any] = {"dataset": Dataset.TRADES, "columns": columns, "time": "ms"}
    elif kind == "funding_rate":
        options = {"dataset": Dataset.FUNDING_RATES, "columns": {"ts_event": "date", "rate": "open"}, "time": "ms"}
    else:
        columns = {"ts_event": "date", **{name: name for name in _CANDLES[1:]}}
        options = {"dataset": Dataset.BARS, "columns": columns, "time": "ms", "interval_s": length}
    return column_map.of({**options, "symbol": symbol, **column_map.numbers(file.options)}, file.name)


def _series(file: Opened, batch: pl.DataFrame, prefix: str, length: int | None) -> Iterator[Part]:
    seconds = intervals.find(file.name, length, batch["date"].cast(pl.Int64))
    names = {f"{prefix}_{name}": name for name in _CANDLES[1:5]}
    options = {"dataset": Dataset.SERIES, "columns": {"ts_event": "date"}, "series": names, "time": "ms"}
    for part in Mapped(file, column_map.of(options, file.name)).parts(batch):
        known = intervals.ends(part.frame["ts_event"], seconds).alias("ts_known")
        yield Part(part.dataset, part.frame.with_columns(known))

"""A column map for a table that no format knows, proposed from the names of its columns; people read it before use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from market.dataset import Dataset
from venues.files import column_map, times

_WORDS: dict[str, tuple[str, ...]] = {
    "ts_event": (
        "ts_event", "timestamp", "datetime", "date", "time", "ts", "open_time", "opentime", "unix", "funding_time",
        "fundingtime", "calc_time", "transact_time", "trade_time", "created_at", "t",
    ),
    "open": ("open", "o", "open_price"), "high": ("high", "h", "high_price"), "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"), "volume": ("volume", "base_volume", "vol", "v"),
    "count": ("trade_count", "tradecount", "number_of_trades", "trades"),
    "price": ("price", "p", "px", "rate"), "qty": ("qty", "quantity", "amount", "size", "volume", "vol", "q"),
    "side": ("side", "taker_side", "direction", "trade_side"),
    "trade_id": ("trade_id", "tradeid", "id", "tid"),
    "rate": ("funding_rate", "fundingrate", "rate", "last_funding_rate"), "mark_price": ("mark_price", "markprice"),
    "bid_price": ("bid_price", "best_bid_price", "bid", "best_bid"), "bid_qty": ("bid_qty", "bid_size", "best_bid_qty"),
    "ask_price": ("ask_price", "best_ask_price", "ask", "best_ask"), "ask_qty": ("ask_qty", "ask_size", "best_ask_qty"),
}
_ORDER = (Dataset.BARS, Dataset.QUOTES, Dataset.FUNDING_RATES, Dataset.TRADES)
_SYMBOL = ("symbol", "pair", "instrument", "market", "ticker")
_PATTERNS = (
    "iso", "%Y-%m-%d %I-%p", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%d", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%d-%m-%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
)


def column_options(sample: pl.DataFrame) -> dict[str, Any] | None:
    """Options of a `columns_*` format for a table with these columns, None where they name no dataset."""
    plain: dict[str, str] = {}
    for name in sample.columns:
        plain.setdefault(re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_"), name)
    for dataset in _ORDER:
        columns = _columns(plain, column_map.NEEDED[dataset] + column_map.OPTIONAL[dataset])
        if all(name in columns for name in column_map.NEEDED[dataset]):
            how = _time(sample[columns["ts_event"]])
            if how is None:
                return None
            symbol = next((plain[word] for word in _SYMBOL if word in plain), "")
            found: dict[str, Any] = {"dataset": str(dataset), "columns": columns, "time": how}
            return found | ({"symbol": symbol} if symbol else {})
    return None


def _columns(plain: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    taken: dict[str, str] = {}
    for name in wanted:
        word = next((word for word in _WORDS.get(name, ()) if word in plain and plain[word] not in taken.values()), "")
        if word:
            taken[name] = plain[word]
    return taken


def _time(cells: pl.Series) -> str | None:
    if cells.dtype.is_temporal():
        return "iso"
    text = cells.cast(pl.String).drop_nulls().str.strip_chars().head(1_000)
    if not len(text):
        return None
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == 0 and bool((numbers >= 10**9).all()):
        return "auto"
    return next((how for how in _PATTERNS if times.nanoseconds(text, how).null_count() == 0), None)

"""The formats by name; a format's module is loaded when it is first asked for."""

from __future__ import annotations

from importlib import import_module

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.format import Format

# One line a format: its name in config/sources.toml, and the module of this folder whose `FORMAT` (or other member)
# it is.
MODULES: dict[str, str] = {
    "binance_aggtrades": "binance_aggtrades",
    "binance_book_depth": "binance_book_depth",
    "binance_book_ticker": "binance_book_ticker",
    "binance_depth": "binance_depth",
    "binance_funding": "binance_funding",
    "binance_klines": "binance_klines",
    "binance_metrics": "binance_metrics",
    "binance_recorded_depth": "binance_recorded.DEPTH",
    "binance_recorded_snapshots": "binance_recorded.SNAPSHOTS",
    "binance_recorded_trades": "binance_recorded.TRADES",
    "binance_trades": "binance_trades",
    "bybit_orderbook": "bybit_orderbook",
    "bybit_spot_trades": "bybit_spot_trades",
    "bybit_trades": "bybit_trades",
    "columns_csv": "columns_csv",
    "columns_feather": "columns_feather",
    "columns_parquet": "columns_parquet",
    "columns_sqlite": "columns_sqlite",
    "cryptodatadownload": "cryptodatadownload",
    "freqtrade_feather": "freqtrade_feather",
    "freqtrade_json": "freqtrade_json",
    "kraken_ohlcvt": "kraken_ohlcvt",
    "kraken_trades": "kraken_trades",
    "lean_funding": "lean_funding",
    "lean_quote": "lean_quote",
    "lean_trade": "lean_trade",
    "octobot": "octobot",
    "tardis_book_snapshot_25": "tardis_snapshots.FORMAT_25",
    "tardis_book_snapshot_5": "tardis_snapshots.FORMAT_5",
    "tardis_derivative_ticker": "tardis_derivative_ticker",
    "tardis_incremental_book": "tardis_book",
    "tardis_quotes": "tardis_quotes",
    "tardis_trades": "tardis_trades",
}

FORMATS: dict[str, Format] = {}  # those loaded so far


def get(name: str) -> Format:
    """The format; FORMAT_UNKNOWN lists the names there are."""
    if name not in MODULES:
        raise TickhouseError(FileCode.FORMAT_UNKNOWN, format=name, known=", ".join(names()))
    if name not in FORMATS:
        module, _, member = MODULES[name].partition(".")
        FORMATS[name] = getattr(import_module(f"venues.files.{module}"), member or "FORMAT")
    return FORMATS[name]


def names() -> list[str]:
    """Every format's name, sorted."""
    return sorted(MODULES)

"""Seeded history for measurements: files as Binance publishes them, lives, and walks of bars."""

from __future__ import annotations

import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market.instrument import Instrument, InstrumentKind

Integers = NDArray[np.int64]
DAY_NS = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)
FIRST = date(2025, 1, 1)  # from then on Binance's spot files are stamped in microseconds


def start_ns(day: date) -> int:
    """Its first nanosecond, UTC."""
    return (day - _EPOCH).days * DAY_NS


def life(number: int) -> Instrument:
    """Life `number` of a venue of our own; prices have 2 decimals, quantities 5."""
    return Instrument(
        id=number, venue="bench", symbol=f"C{number}/USDT", venue_symbol=f"C{number}USDT", kind=InstrumentKind.SPOT,
        base=f"C{number}", quote="USDT", settle="USDT", price_scale=2, qty_scale=5, contract_size=10**8, valid_from=1,
    )


def trades_file(folder: Path, of: Instrument, day: date, rows: int) -> Path:
    """A daily zip of aggregate trades."""
    rng = np.random.default_rng([of.id, day.toordinal()])
    first = (day - FIRST).days * rows
    at = start_ns(day) // 1000 + np.sort(rng.integers(0, DAY_NS // 1000, rows))
    frame = pl.DataFrame(
        {
            "id": np.arange(first, first + rows), "price": _walk(rng, rows, 2e-5), "qty": rng.integers(1, 10**7, rows),
            "at": at, "maker": rng.random(rows) < 0.5,
        }
    )
    text = frame.select(
        "id", _decimal("price", 2), _decimal("qty", 5), pl.col("id").alias("from"), pl.col("id").alias("to"), "at",
        pl.col("maker").replace_strict({True: "True", False: "False"}), best=pl.lit("True"),
    )
    return _zip(folder / f"{of.venue_symbol}-aggTrades-{day}", text)


def bars_file(folder: Path, of: Instrument, month: date) -> Path:
    """A monthly zip of one-minute klines."""
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    opens = np.arange(start_ns(month), start_ns(following), 60_000_000_000)
    bars = minutes(of.id, opens, month.toordinal())
    stamp = pl.Series(opens // 1000)
    text = bars.select(
        stamp.alias("at"), *(_decimal(name, 2) for name in ("open", "high", "low", "close")), _decimal("volume", 5),
        (stamp + 59_999_999).alias("closes"), _decimal("volume", 5).alias("quote"), "count",
        _decimal("volume", 5).alias("taker"), _decimal("volume", 5).alias("taker_quote"), ignore=pl.lit(0),
    )
    return _zip(folder / f"{of.venue_symbol}-1m-{month:%Y-%m}", text)


def minutes(instrument: int, opens: Integers, seed: int, interval_s: int = 60) -> pl.DataFrame:
    """Bars of a walk at these times (ns), in the columns of the dataset."""
    rng = np.random.default_rng([instrument, seed])
    count = len(opens)
    close = _walk(rng, count, 5e-4 if interval_s == 60 else 0.03)
    opened = np.concatenate([close[:1], close[:-1]])
    spread = np.maximum(close // 1000, 1)
    return pl.DataFrame(
        {
            "instrument": instrument, "interval_s": interval_s, "ts_event": opens,
            "ts_known": opens + interval_s * 1_000_000_000, "open": opened,
            "high": np.maximum(opened, close) + rng.integers(0, spread),
            "low": np.minimum(opened, close) - rng.integers(0, spread), "close": close,
            "volume": rng.integers(1, 10**9, count), "count": rng.integers(1, 500, count), "source": "bench",
        },
        schema_overrides={"instrument": pl.UInt32, "interval_s": pl.UInt32},
    )


def _walk(rng: np.random.Generator, count: int, deviation: float) -> Integers:
    """Prices of a walk drawn back to its start, so that it neither vanishes nor leaves 64 bits."""
    steps = np.cumsum(rng.standard_normal(count) * deviation)
    prices: Integers = np.rint(3_000_000 * np.exp(3.0 * np.tanh(steps / 3.0))).astype(np.int64)
    return prices


def _decimal(name: str, places: int) -> pl.Expr:
    """The integer as Binance writes it: eight places."""
    whole, rest = pl.col(name) // 10**places, pl.col(name) % 10**places
    padded = rest.cast(pl.String).str.zfill(places).str.pad_end(8, "0")
    return pl.concat_str(whole.cast(pl.String), pl.lit("."), padded).alias(name)


def _zip(stem: Path, text: pl.DataFrame) -> Path:
    path = stem.with_name(f"{stem.name}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(f"{stem.name}.csv", text.write_csv(include_header=False))
    return path

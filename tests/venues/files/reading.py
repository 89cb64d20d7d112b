"""Reading one file or some bytes through a format, as tests need it."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import polars as pl

from market.bars import BAR, Bars
from market.events import EVENT, Events, Kind
from market.instrument import Instrument, InstrumentKind
from venues.files import registry
from venues.files.format import Opened

HOUR = 3_600_000_000_000


def life(symbol: str = "BTC/USDT", price_scale: int = 8, qty_scale: int = 8) -> Instrument:
    base, quote = symbol.split("/")
    return Instrument(
        7, "somewhere", symbol, base + quote, InstrumentKind.SPOT, base, quote, quote, price_scale, qty_scale, 10**8, 0
    )


def opened(source: Path | bytes, name: str = "", of: Instrument | None = None, **options: Any) -> Opened:
    """The file as formats get it: unpacked, under its name."""
    content = source if isinstance(source, bytes) else source.read_bytes()
    name = name or str(source)
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    if name.endswith(".zip"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        member = archive.namelist()[0]
        name, content = f"{name}/{member}", archive.read(member)
    return Opened(name, io.BytesIO(content), of or life(), options)


def read(
    format_name: str, source: Path | bytes, name: str = "", of: Instrument | None = None, **options: Any
) -> pl.DataFrame:
    """Every row of the file."""
    return joined(registry.get(format_name).read(opened(source, name, of, **options)))


def joined(parts: Any) -> pl.DataFrame:
    frames = [part.frame for part in parts]
    return pl.concat(frames) if frames else pl.DataFrame()


def times(frame: pl.DataFrame, column: str = "ts_event") -> list[str]:
    """First and last time, to the second."""
    stamps = frame[column].sort().cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d %H:%M:%S")
    return [stamps[0], stamps[-1]]


def bar_array(frame: pl.DataFrame) -> Bars:
    """The bars as `market.bars` takes them, in time order."""
    return _records(frame.sort("ts_event"), BAR)


def trade_array(frame: pl.DataFrame) -> Events:
    """The trades as events, in time order as far as the file tells it."""
    ordered = frame.sort("ts_event", maintain_order=True).rename({"trade_id": "seq", "ts_known": "ts_recv"})
    events = _records(ordered, EVENT)
    events["kind"] = Kind.TRADE
    return events


def _records(frame: pl.DataFrame, dtype: Any) -> Any:
    import numpy as np

    out = np.zeros(frame.height, dtype=dtype)
    for name in dtype.names:
        if name in frame.columns:
            out[name] = frame[name].to_numpy()
    return out



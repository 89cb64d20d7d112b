"""The datasets we take from a venue, as data: how each is fetched, turned into a frame and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market.dataset import Dataset
from store import bars, funding, trades

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.ingest.source import Source
    from market.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Feed:
    """A dataset of a venue."""

    asset: str        # last part of the asset key
    dataset: Dataset  # the table, the suite and the name in the ingest log
    chunk_days: int   # days fetched, judged and published at once: bounds memory, and what a crash can lose
    description: str
    fetch: Callable[[Source, Instrument, int, int], pl.DataFrame]
    write: Callable[[Client, pl.DataFrame, int], int]


def _columns(array: NDArray[np.void], **names: str) -> dict[str, NDArray[np.generic]]:
    return {column: np.ascontiguousarray(array[field]) for column, field in names.items()}


def _bars(source: Source, life: Instrument, start_ns: int, end_ns: int) -> pl.DataFrame:
    same = ("ts_event", "ts_known", "open", "high", "low", "close", "volume", "count", "interval_s")
    return _frame(_columns(source.bars(life, start_ns, end_ns), **{name: name for name in same}), life)


def _trades(source: Source, life: Instrument, start_ns: int, end_ns: int) -> pl.DataFrame:
    same = ("ts_event", "price", "qty", "side")
    events = source.trades(life, start_ns, end_ns)
    columns = _columns(events, trade_id="seq", ts_known="ts_recv", **{name: name for name in same})
    return _frame(columns | {"flags": events["flags"] & trades.LASTING_FLAGS}, life)


def _funding(source: Source, life: Instrument, start_ns: int, end_ns: int) -> pl.DataFrame:
    same = ("ts_event", "ts_known", "rate", "mark_price")
    return _frame(_columns(source.funding(life, start_ns, end_ns), **{name: name for name in same}), life)


def _frame(columns: dict[str, NDArray[np.generic]], life: Instrument) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(
        instrument=pl.lit(life.id, dtype=pl.UInt32), source=pl.lit(f"{life.venue}-rest")
    )


FEEDS = (
    Feed("bars_1m", Dataset.BARS, 31, "One-minute bars by REST", _bars, bars.write),
    Feed("trades", Dataset.TRADES, 2, "Aggregate trades by REST", _trades, trades.write),
    Feed("funding", Dataset.FUNDING_RATES, 365, "Funding settlements by REST", _funding, funding.write),
)

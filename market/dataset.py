"""The datasets of history: their names, and the columns that every source gives them in.

Frames of a dataset have these columns, whichever venue, file or table they come from: int64 UTC nanoseconds, int64
prices and quantities in the instrument's scales. `ts_known` is when anyone could first have known the row.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

_LEVELS = pl.List(pl.Struct({"price": pl.Int64, "qty": pl.Int64}))


class Dataset(StrEnum):
    """What history is made of; the name is that of the table."""

    BARS = "bars"
    TRADES = "trades"
    QUOTES = "quotes"
    BOOK_SNAPSHOTS = "book_snapshots"
    BOOK_DELTAS = "book_deltas"
    FUNDING_RATES = "funding_rates"
    OPEN_INTEREST = "open_interest"
    SERIES = "series"


# `source` and `instrument` are in every dataset; `count` is -1 where the source does not tell it.
SCHEMAS: dict[Dataset, dict[str, pl.DataType | type[pl.DataType]]] = {
    Dataset.BARS: {
        "instrument": pl.UInt32, "interval_s": pl.UInt32, "ts_event": pl.Int64, "ts_known": pl.Int64,
        "open": pl.Int64, "high": pl.Int64, "low": pl.Int64, "close": pl.Int64, "volume": pl.Int64, "count": pl.Int64,
        "source": pl.String,
    },
    Dataset.TRADES: {
        "instrument": pl.UInt32, "ts_event": pl.Int64, "trade_id": pl.Int64, "ts_known": pl.Int64,
        "price": pl.Int64, "qty": pl.Int64, "side": pl.UInt8, "flags": pl.UInt16, "source": pl.String,
    },
    Dataset.QUOTES: {
        "instrument": pl.UInt32, "ts_event": pl.Int64, "ts_recv": pl.Int64, "seq": pl.Int64,
        "bid_price": pl.Int64, "bid_qty": pl.Int64, "ask_price": pl.Int64, "ask_qty": pl.Int64, "source": pl.String,
    },
    Dataset.BOOK_SNAPSHOTS: {
        "instrument": pl.UInt32, "ts_event": pl.Int64, "ts_recv": pl.Int64, "seq": pl.Int64,
        "bids": _LEVELS, "asks": _LEVELS, "source": pl.String,
    },
    Dataset.BOOK_DELTAS: {
        "instrument": pl.UInt32, "ts_event": pl.Int64, "ts_recv": pl.Int64, "first_seq": pl.Int64,
        "last_seq": pl.Int64, "side": pl.UInt8, "price": pl.Int64, "qty": pl.Int64, "flags": pl.UInt16,
        "source": pl.String,
    },
    Dataset.FUNDING_RATES: {
        "instrument": pl.UInt32, "ts_event": pl.Int64, "ts_known": pl.Int64, "rate": pl.Int64,
        "mark_price": pl.Int64, "source": pl.String,
    },
    Dataset.OPEN_INTEREST: {
        "instrument": pl.UInt32, "ts_event": pl.Int64, "ts_known": pl.Int64, "qty": pl.Int64, "source": pl.String,
    },
    # Any dated number, of an instrument or (instrument 0) of the whole market: ratios, indices, sentiment, on-chain.
    Dataset.SERIES: {
        "series": pl.String, "instrument": pl.UInt32, "ts_event": pl.Int64, "ts_known": pl.Int64,
        "value": pl.Float64, "source": pl.String,
    },
}

INTERVALS = {
    1: "1s", 60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h", 14_400: "4h",
    21_600: "6h", 28_800: "8h", 43_200: "12h", 86_400: "1d", 259_200: "3d", 604_800: "1w",
    2_592_000: "1mo",  # a calendar month
}


def label(dataset: Dataset, interval_s: int = 60, series: str = "") -> str:
    """The dataset's name in the ingest log and the quality tables: `bars` (one minute), `bars_1h`, `series/fear_greed`.

    One name a thing that is whole or not by itself.
    """
    if dataset is Dataset.BARS and interval_s != 60:
        return f"{dataset}_{INTERVALS.get(interval_s, f'{interval_s}s')}"
    return f"{dataset}/{series}" if dataset is Dataset.SERIES else str(dataset)


def clock(dataset: Dataset) -> str:
    """The column that says to which UTC day a row belongs: reception for quotes and books, the event elsewhere."""
    return "ts_recv" if "ts_recv" in SCHEMAS[dataset] else "ts_event"


def conform(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """The frame with the dataset's columns in their types and order; a `line` column (place in a file) is kept."""
    wanted = SCHEMAS[dataset]
    extra = ["line"] if "line" in frame.columns else []
    return frame.select([*wanted, *extra]).cast(dict(wanted))  # type: ignore[arg-type]

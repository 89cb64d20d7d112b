"""Twelve days of three instruments for the marts, some of them not whole, over a week's and a year's end."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from market.dataset import Dataset
from store import datasets, ingest_log, writer
from store.ingest_log import IngestEntry, IngestState

DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
FIRST = date(2025, 12, 27)  # a Saturday
DAYS = tuple(FIRST + timedelta(days=n) for n in range(12))
BTC, ETH, INVERSE = 1, 2, 3
# What the ingest log says of BTC's bars; every other day is complete. On the last of these nobody has said anything.
NOT_WHOLE = {DAYS[4]: IngestState.PARTIAL, DAYS[5]: IngestState.QUARANTINED, DAYS[7]: None}
ETH_LISTED, ETH_DELISTED = DAYS[2], DAYS[9]


def start_ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


def instruments() -> pl.DataFrame:
    eth_end = start_ns(ETH_DELISTED) + 8 * 3_600_000_000_000
    return pl.DataFrame(
        {
            "id": [BTC, ETH, INVERSE], "venue": "sim", "symbol": ["BTC/USDT", "ETH/USDT", "BTC/USD:BTC"],
            "venue_symbol": ["BTCUSDT", "ETHUSDT", "BTCUSD"], "kind": [1, 1, 3], "base": ["BTC", "ETH", "BTC"],
            "quote": ["USDT", "USDT", "USD"], "settle": ["USDT", "USDT", "BTC"], "price_scale": [2, 4, 1],
            "qty_scale": [3, 2, 0], "contract_size": [10**8, 10**8, 100 * 10**8],
            # BTC was first seen at the end, and its history reaches back; nobody says when it was listed.
            "valid_from": [start_ns(DAYS[-1]), start_ns(ETH_LISTED), start_ns(DAYS[-1])],
            "valid_to": [0, eth_end, 0], "listed": [0, start_ns(ETH_LISTED), 0],
            "ts_known": start_ns(DAYS[-1]),
        },
        schema_overrides={"kind": pl.Int8, "price_scale": pl.UInt8, "qty_scale": pl.UInt8},
    )


def minutes(instrument: int, day: date) -> pl.DataFrame:
    """A day of bars of a seeded walk, a tenth of the minutes without a trade."""
    rng = np.random.default_rng([instrument, day.toordinal()])
    at = start_ns(day) + np.flatnonzero(rng.random(1440) < 0.9) * MINUTE_NS
    close = np.rint(5_000_000 * np.exp(np.cumsum(rng.normal(0, 1e-3, len(at))))).astype(np.int64)
    opened = np.concatenate([[5_000_000], close[:-1]])
    volume = rng.integers(0, 10**6, len(at))
    return pl.DataFrame(
        {
            "instrument": instrument, "interval_s": 60, "ts_event": at, "ts_known": at + MINUTE_NS, "open": opened,
            "high": np.maximum(opened, close) + rng.integers(0, 2000, len(at)),
            "low": np.minimum(opened, close) - rng.integers(0, 2000, len(at)), "close": close, "volume": volume,
            "count": rng.integers(1, 50, len(at)) if instrument == BTC else -1, "source": "test",
        },
        schema_overrides={"instrument": pl.UInt32, "interval_s": pl.UInt32, "count": pl.Int64},
    )


def trades(instrument: int, day: date) -> pl.DataFrame:
    rng = np.random.default_rng([instrument, day.toordinal(), 2])
    at = start_ns(day) + np.sort(rng.integers(0, DAY_NS, 200))
    return pl.DataFrame(
        {
            "instrument": instrument, "ts_event": at, "trade_id": np.arange(200) + day.toordinal() * 1000,
            "ts_known": at, "price": rng.integers(4_000_000, 6_000_000, 200), "qty": rng.integers(1, 10**6, 200),
            "side": rng.integers(0, 3, 200), "flags": 0, "source": "test",
        },
        schema_overrides={"instrument": pl.UInt32, "side": pl.UInt8, "flags": pl.UInt16},
    )


def quotes(instrument: int, day: date) -> pl.DataFrame:
    """Quotes every quarter of an hour or so: some stand over full hours, some books are one-sided or crossed."""
    rng = np.random.default_rng([instrument, day.toordinal(), 3])
    at = start_ns(day) + np.sort(rng.integers(0, DAY_NS, 60))
    bid = rng.integers(4_900_000, 5_100_000, 60)
    ask = bid + rng.integers(-100, 2000, 60)
    bid[rng.random(60) < 0.1] = 0
    return pl.DataFrame(
        {
            "instrument": instrument, "ts_event": at - 1000, "ts_recv": at, "seq": np.arange(60), "bid_price": bid,
            "bid_qty": 5, "ask_price": ask, "ask_qty": 5, "source": "test",
        },
        schema_overrides={"instrument": pl.UInt32},
    )


def funding(instrument: int, day: date) -> pl.DataFrame:
    at = start_ns(day) + np.arange(3) * (DAY_NS // 3)
    rate = np.random.default_rng([instrument, day.toordinal(), 4]).integers(-3 * 10**8, 5 * 10**8, 3)
    return pl.DataFrame(
        {"instrument": instrument, "ts_event": at, "ts_known": at, "rate": rate, "mark_price": 0, "source": "test"},
        schema_overrides={"instrument": pl.UInt32, "mark_price": pl.Int64},
    )


def open_interest(instrument: int, day: date) -> pl.DataFrame:
    at = start_ns(day) + np.arange(24) * 3_600_000_000_000
    return pl.DataFrame(
        {"instrument": instrument, "ts_event": at, "ts_known": at, "qty": np.arange(24) + 1, "source": "test"},
        schema_overrides={"instrument": pl.UInt32},
    )


def entry(dataset: str, instrument: int, day: date, state: IngestState = IngestState.COMPLETE, rows: int = 1):
    return IngestEntry(dataset, "sim", instrument, day, state, rows, "", "test", "run")


def bars_of(instrument: int) -> list[date]:
    """Days that have bars in the table, whole or not."""
    return [day for day in DAYS if instrument != ETH or ETH_LISTED <= day < ETH_DELISTED]


def write(client) -> None:
    """Everything, with its ingest log."""
    writer.insert(client, "instruments", instruments())
    entries, frames = [], []
    for instrument in (BTC, ETH, INVERSE):
        for day in bars_of(instrument):
            state = NOT_WHOLE.get(day, IngestState.COMPLETE) if instrument == BTC else IngestState.COMPLETE
            frames.append(minutes(instrument, day))
            if state is not None:
                entries.append(entry("bars", instrument, day, state, frames[-1].height))
    writer.insert(client, "bars", pl.concat(frames))
    for dataset, make, instrument in (
        (Dataset.TRADES, trades, BTC), (Dataset.QUOTES, quotes, BTC), (Dataset.FUNDING_RATES, funding, INVERSE),
        (Dataset.OPEN_INTEREST, open_interest, INVERSE),
    ):
        days = DAYS[:4]
        datasets.write(client, dataset, pl.concat([make(instrument, day) for day in days]), start_ns(DAYS[-1]))
        # The third day is in the table, but not whole.
        entries += [entry(dataset, instrument, day) for day in days if day != DAYS[2]]
        entries.append(entry(dataset, instrument, DAYS[2], IngestState.QUARANTINED))
    hours = pl.DataFrame(
        {"instrument": ETH, "interval_s": 3600, "ts_event": start_ns(DAYS[0]) + np.arange(24) * 60 * MINUTE_NS},
        schema_overrides={"instrument": pl.UInt32, "interval_s": pl.UInt32},
    ).with_columns(
        ts_known=pl.col("ts_event") + 60 * MINUTE_NS, open=10_000, high=10_500, low=9_000, close=10_100, volume=7,
        count=-1, source=pl.lit("test"),
    )
    datasets.write(client, Dataset.BARS, hours, start_ns(DAYS[-1]))
    entries.append(entry("bars_1h", ETH, DAYS[0]))
    ingest_log.record(client, entries)

"""Genuine-looking days of every dataset, to plant faults in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from market.dataset import SCHEMAS, Dataset
from market.instrument import Instrument, market_of
from quality import gate, suites
from quality.gate import Verdict
from quality.rule import Context
from venues import facts

DAY_NS = 86_400_000_000_000
HOUR_NS = DAY_NS // 24
MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
FIRST = date(2026, 1, 5)  # a Monday
SECOND = FIRST + timedelta(days=1)
START = (FIRST - date(1970, 1, 1)).days * DAY_NS
DAYS = pl.DataFrame({"instrument": [1, 1], "day": [FIRST, SECOND]}, schema_overrides={"instrument": pl.UInt32})


def life(venue: str = "binance") -> Instrument:
    return replace(market_of(venue), id=1, symbol="BTC/USDT", venue_symbol="BTCUSDT", price_scale=2, qty_scale=3)


def context(venue: str = "binance", **more: object) -> Context:
    return Context(life(venue), facts.of(venue), **more)  # type: ignore[arg-type]


def judge(dataset: Dataset, frame: pl.DataFrame, where: Context | None = None, days: pl.DataFrame = DAYS) -> Verdict:
    return gate.judge(suites.get(dataset, where or context()), frame, days)


def failed(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings if not finding.passed}


def frame(dataset: Dataset, **columns: object) -> pl.DataFrame:
    """Columns of the dataset and `day` from what is given; a constant is repeated."""
    whole = pl.DataFrame(columns).with_columns(instrument=pl.lit(1), source=pl.lit("test"))
    clock = "ts_recv" if "ts_recv" in SCHEMAS[dataset] else "ts_event"
    schema = SCHEMAS[dataset]
    return whole.select(list(schema)).cast(dict(schema)).with_columns(  # type: ignore[arg-type]
        day=(pl.col(clock) // DAY_NS).cast(pl.Int32).cast(pl.Date)
    )


def walk(count: int) -> list[int]:
    """Prices near 1,000,000 that wander a little, the same each time."""
    return [1_000_000 + round(800 * math.sin(at / 7) + 300 * math.sin(at * 1.7) + at % 5) for at in range(count)]


def bars(interval_s: int = 60, days: int = 2, start: int = START) -> pl.DataFrame:
    width = interval_s * SECOND_NS
    count = days * DAY_NS // width
    prices = walk(count + 1)
    opens, closes = prices[:-1], prices[1:]
    times = [start + at * width for at in range(count)]
    return frame(
        Dataset.BARS, interval_s=[interval_s] * count, ts_event=times, ts_known=[ts + width for ts in times],
        open=opens, close=closes,
        high=[max(pair) + 50 for pair in zip(opens, closes, strict=True)],
        low=[min(pair) - 50 for pair in zip(opens, closes, strict=True)],
        volume=[5_000 + 7 * (at % 11) for at in range(count)], count=[3] * count,
    )


def trades(count: int = 400) -> pl.DataFrame:
    times = [START + at * (2 * DAY_NS // count) for at in range(count)]
    return frame(
        Dataset.TRADES, ts_event=times, ts_known=times, trade_id=[7 + at for at in range(count)], price=walk(count),
        qty=[10 + at % 9 for at in range(count)], side=[1 + at % 2 for at in range(count)], flags=[0] * count,
    )


def quotes(count: int = 400) -> pl.DataFrame:
    times = [START + at * (2 * DAY_NS // count) for at in range(count)]
    return frame(
        Dataset.QUOTES, ts_event=times, ts_recv=[ts + 1_000_000 + at % 7 for at, ts in enumerate(times)],
        seq=[100 + at for at in range(count)], bid_price=walk(count), bid_qty=[5] * count,
        ask_price=[price + 10 for price in walk(count)], ask_qty=[6] * count,
    )


def book_deltas(packets: int = 200) -> pl.DataFrame:
    rows = [(packet, side) for packet in range(packets) for side in (1, 2)]
    times = [START + packet * (2 * DAY_NS // packets) for packet, _ in rows]
    return frame(
        Dataset.BOOK_DELTAS, ts_event=times, ts_recv=[ts + 1_000_000 for ts in times],
        first_seq=[1_000 + 3 * packet for packet, _ in rows], last_seq=[1_002 + 3 * packet for packet, _ in rows],
        side=[side for _, side in rows], price=[walk(packets)[packet] + 10 * side for packet, side in rows],
        qty=[packet % 4 for packet, _ in rows], flags=[0] * len(rows),
    )


def book_snapshots(count: int = 96) -> pl.DataFrame:
    times = [START + at * (2 * DAY_NS // count) for at in range(count)]
    return frame(
        Dataset.BOOK_SNAPSHOTS, ts_event=times, ts_recv=[ts + 1_000_000 for ts in times], seq=list(range(1, count + 1)),
        bids=[[{"price": price - step, "qty": 3} for step in range(5)] for price in walk(count)],
        asks=[[{"price": price + 1 + step, "qty": 4} for step in range(5)] for price in walk(count)],
    )


def funding(hours: int = 8, shift_h: int = 0, days: int = 2) -> pl.DataFrame:
    times = [START + at * hours * HOUR_NS + shift_h * HOUR_NS + 3_000_000 for at in range(days * 24 // hours)]
    return frame(
        Dataset.FUNDING_RATES, ts_event=times, ts_known=times, rate=[100_000_000 + at for at in range(len(times))],
        mark_price=[5] * len(times),
    )


def open_interest(count: int = 96) -> pl.DataFrame:
    times = [START + at * (2 * DAY_NS // count) for at in range(count)]
    return frame(Dataset.OPEN_INTEREST, ts_event=times, ts_known=times, qty=walk(count))


def series(count: int = 48) -> pl.DataFrame:
    times = [START + at * (2 * DAY_NS // count) for at in range(count)]
    return frame(
        Dataset.SERIES, series=["fear"] * count, ts_event=times, ts_known=[ts + HOUR_NS for ts in times],
        value=[50 + math.sin(at) for at in range(count)],
    )


GOOD: dict[Dataset, Callable[[], pl.DataFrame]] = {
    Dataset.BARS: bars, Dataset.TRADES: trades, Dataset.QUOTES: quotes, Dataset.BOOK_DELTAS: book_deltas,
    Dataset.BOOK_SNAPSHOTS: book_snapshots, Dataset.FUNDING_RATES: funding, Dataset.OPEN_INTEREST: open_interest,
    Dataset.SERIES: series,
}


def spoil(good: pl.DataFrame, row: int | range, **values: object) -> pl.DataFrame:
    """The frame with `values` in one row, or in several."""
    rows = [row] if isinstance(row, int) else list(row)
    here = pl.int_range(pl.len()).is_in(rows)
    return good.with_columns(
        pl.when(here).then(pl.lit(value, dtype=good.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )

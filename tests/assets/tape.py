"""A venue for tests: a small market that is a function of symbol and time, with faults on demand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from market import bars as market_bars
from market import funding as market_funding
from market.bars import Bars
from market.dataset import Dataset, conform
from market.events import Events, Kind, empty
from market.funding import FundingRates
from market.instrument import Instrument, InstrumentKind, InstrumentSpec, Status
from venues.source import Request

DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
# Recent days: the tables forget trades after a year, and Dagster offers no day that has not ended.
FIRST = datetime.now(UTC).date() - timedelta(days=10)
DAYS = tuple((FIRST + timedelta(days=number)).isoformat() for number in range(3))
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")


def day_ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


@dataclass
class Tape:
    """Each answer is cut from the same whole; `faults` change what comes out, by dataset."""

    trades_a_day: int = 500
    clock: int = day_ns(FIRST + timedelta(days=9))
    faults: dict[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)
    asked: list[tuple[str, str, int, int]] = field(default_factory=list)
    name: str = "binance-rest"
    venue: str = "binance"

    def rest(self, venue, symbols) -> Tape:
        """As the resource does."""
        return self

    def now(self) -> int:
        return self.clock

    def fetch(self, request: Request) -> Iterator[pl.DataFrame]:
        made = {Dataset.BARS: self.bars, Dataset.TRADES: self.trades, Dataset.FUNDING_RATES: self.funding,
                Dataset.OPEN_INTEREST: self.open_interest}
        rows = made[request.dataset](request.life, request.start, request.end)
        frame = pl.DataFrame({name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names})
        if request.dataset is Dataset.TRADES:
            frame = frame.with_columns(trade_id=pl.col("seq"), ts_known=pl.col("ts_recv"))
        yield conform(frame.with_columns(source=pl.lit(self.name)), request.dataset)

    def fingerprint(self, request: Request) -> str:
        return ""

    def raw(self, request: Request, rows: pl.DataFrame) -> list[str]:
        return [json.dumps(row, default=str) for row in rows.iter_rows(named=True)]

    def instruments(self, symbols) -> list[InstrumentSpec]:
        return [
            InstrumentSpec(
                venue="binance", symbol=symbol, venue_symbol=symbol[:3] + "USDT", kind=InstrumentKind.LINEAR,
                base=symbol[:3], quote="USDT", settle="USDT", price_scale=2, qty_scale=3, contract_size=10**8,
                tick=1, lot=1, min_qty=1, max_qty=10**9, min_notional=1, maker_fee_ppm=200, taker_fee_ppm=400,
                status=Status.TRADING, valid_from=1,
            )
            for symbol in symbols
        ]

    def bars(self, life: Instrument, start: int, end: int) -> Bars:
        times = np.arange(start, end, MINUTE_NS)
        price = _price(life.symbol, times)
        out = market_bars.empty(len(times))
        out["ts_event"], out["ts_known"] = times, times + MINUTE_NS
        out["open"], out["close"] = price, price + 1
        out["high"], out["low"] = price + 5, price - 5
        out["volume"], out["count"], out["interval_s"], out["instrument"] = 1000, -1, 60, life.id
        return self._answer("bars", life, start, end, out)

    def trades(self, life: Instrument, start: int, end: int) -> Events:
        step = DAY_NS // self.trades_a_day
        times = np.arange(start, end, step)
        number = times // step
        # Buyers and sellers alternate in long runs that move the price with them: something to learn.
        buying = (number // 25 + life.id) % 2 == 0
        out = empty(len(times))
        out["ts_event"], out["ts_recv"], out["seq"], out["kind"] = times, times, number, Kind.TRADE
        out["instrument"], out["qty"], out["side"] = life.id, 100 + number % 7, np.where(buying, 1, 2)
        out["price"] = _price(life.symbol, times) + np.where(buying, 1, -1) * (number % 25) * 40
        return self._answer("trades", life, start, end, out)

    def funding(self, life: Instrument, start: int, end: int) -> FundingRates:
        times = np.arange(start, end, DAY_NS // 3)
        out = market_funding.empty(len(times))
        out["ts_event"], out["ts_known"], out["rate"], out["instrument"] = times, times, 10**8, life.id
        return self._answer("funding_rates", life, start, end, out)

    def open_interest(self, life: Instrument, start: int, end: int) -> np.ndarray:
        times = np.arange(start, end, 300_000_000_000)
        out = np.zeros(len(times), [("ts_event", "i8"), ("ts_known", "i8"), ("qty", "i8"), ("instrument", "u4")])
        out["ts_event"], out["ts_known"], out["qty"], out["instrument"] = times, times, 10**6, life.id
        return self._answer("open_interest", life, start, end, out)

    def _answer(self, dataset: str, life: Instrument, start: int, end: int, rows: np.ndarray) -> np.ndarray:
        self.asked.append((dataset, life.symbol, start, end))
        return self.faults.get(dataset, lambda same: same)(rows)


def on(day: date, rows: np.ndarray) -> np.ndarray:
    """Which rows are of that day."""
    return rows["ts_event"] // DAY_NS == day_ns(day) // DAY_NS


def _price(symbol: str, times: np.ndarray) -> np.ndarray:
    level = 5_000_000 if symbol.startswith("BTC") else 300_000
    hours = times / 3.6e12
    return np.rint(level * (1 + 0.01 * np.sin(hours / 5) + 0.003 * np.sin(hours * 7))).astype(np.int64)

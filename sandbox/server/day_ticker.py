"""The rolling 24-hour ticker, by REST and by stream."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.engine.types import SPOT, SymbolSpec
from sandbox.server.clock import NS_PER_SECOND
from sandbox.server.numbers import ratio, text
from sandbox.server.order_json import Json, millis, money_text, price_text, qty_text
from sandbox.server.venue import Venue

_DAY_NS = 86_400 * NS_PER_SECOND
_MINUTE_NS = 60 * NS_PER_SECOND


@dataclass(frozen=True)
class DayTicker:
    """What a symbol did in the last 24 hours, in whole minutes; prices and quantities scaled, times in ns."""

    open: int
    high: int
    low: int
    last: int
    volume: int
    quote_volume: int
    trades: int
    open_ns: int
    close_ns: int
    first_id: int
    last_id: int
    last_qty: int

    @property
    def change(self) -> int:
        """Last price less the opening one."""
        return self.last - self.open

    @property
    def percent(self) -> float:
        """The change in percent of the opening price."""
        return 100.0 * self.change / self.open if self.open else 0.0

    def mean(self, spec: SymbolSpec) -> str:
        """Volume-weighted mean price."""
        digits = 8 if spec.market == SPOT else spec.price_scale + 2
        value = self.quote_volume * 10 ** (spec.qty_scale + digits) // (self.volume * 10**8) if self.volume else 0
        return text(value, digits)


def day_ticker(venue: Venue, spec: SymbolSpec) -> DayTicker:
    """The symbol's last 24 hours up to the core's now."""
    core = venue.exchange
    now = core.now_ns
    start = (now - _DAY_NS) // _MINUTE_NS * _MINUTE_NS
    bars = core.bars(spec.market, spec.symbol, start, now + 1)
    last = core.last_trades(spec.market, spec.symbol, 1)
    count = int(bars["trades"].sum())
    last_id = int(last["id"][-1]) if len(last) else -1
    return DayTicker(
        open=int(bars["open"][0]), high=int(bars["high"].max()), low=int(bars["low"].min()),
        last=core.last_price(spec.market, spec.symbol), volume=int(bars["volume"].sum()),
        quote_volume=int(bars["quote_volume"].sum()), trades=count, open_ns=start, close_ns=now,
        first_id=last_id - count + 1, last_id=last_id, last_qty=int(last["qty"][-1]) if len(last) else 0,
    )  # fmt: skip


def ticker_json(venue: Venue, spec: SymbolSpec) -> Json:
    """ticker/24hr."""
    day = day_ticker(venue, spec)
    answer: Json = {
        "symbol": spec.symbol,
        "priceChange": price_text(spec, day.change),
        "priceChangePercent": ratio(day.percent, 3),
        "weightedAvgPrice": day.mean(spec),
        "lastPrice": price_text(spec, day.last),
        "lastQty": qty_text(spec, day.last_qty),
        "openPrice": price_text(spec, day.open),
        "highPrice": price_text(spec, day.high),
        "lowPrice": price_text(spec, day.low),
        "volume": qty_text(spec, day.volume),
        "quoteVolume": money_text(day.quote_volume),
        "openTime": millis(day.open_ns),
        "closeTime": millis(day.close_ns),
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }
    if spec.market == SPOT:
        best = venue.exchange.book_ticker(spec.market, spec.symbol)
        answer |= {
            "prevClosePrice": price_text(spec, day.open),
            "bidPrice": price_text(spec, best.bid),
            "bidQty": qty_text(spec, best.bid_qty),
            "askPrice": price_text(spec, best.ask),
            "askQty": qty_text(spec, best.ask_qty),
        }
    return answer


def ticker_event(venue: Venue, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@ticker`."""
    day = day_ticker(venue, spec)
    answer: Json = {
        "e": "24hrTicker",
        "E": millis(day.close_ns),
        "s": spec.symbol,
        "p": price_text(spec, day.change),
        "P": ratio(day.percent, 3),
        "w": day.mean(spec),
        "c": price_text(spec, day.last),
        "Q": qty_text(spec, day.last_qty),
        "o": price_text(spec, day.open),
        "h": price_text(spec, day.high),
        "l": price_text(spec, day.low),
        "v": qty_text(spec, day.volume),
        "q": money_text(day.quote_volume),
        "O": millis(day.open_ns),
        "C": millis(day.close_ns),
        "F": day.first_id,
        "L": day.last_id,
        "n": day.trades,
    }
    if spec.market == SPOT:
        best = venue.exchange.book_ticker(spec.market, spec.symbol)
        answer |= {
            "x": price_text(spec, day.open),
            "b": price_text(spec, best.bid),
            "B": qty_text(spec, best.bid_qty),
            "a": price_text(spec, best.ask),
            "A": qty_text(spec, best.ask_qty),
        }
    return answer


def mini_ticker_event(venue: Venue, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@miniTicker`."""
    day = day_ticker(venue, spec)
    return {
        "e": "24hrMiniTicker",
        "E": millis(day.close_ns),
        "s": spec.symbol,
        "c": price_text(spec, day.last),
        "o": price_text(spec, day.open),
        "h": price_text(spec, day.high),
        "l": price_text(spec, day.low),
        "v": qty_text(spec, day.volume),
        "q": money_text(day.quote_volume),
    }

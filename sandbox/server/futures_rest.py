"""What only perpetuals have: mark prices, funding, open interest."""

from __future__ import annotations

from sandbox.engine.types import LINEAR, SymbolSpec
from sandbox.errors import ExchangeError
from sandbox.market.calendar import GENESIS_NS
from sandbox.server.clock import NS_PER_MS
from sandbox.server.intervals import INTERVALS
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis, price_text, qty_text
from sandbox.server.params import Call
from sandbox.server.venue import Venue

_FUNDING_NS = 8 * 3_600 * 1_000 * NS_PER_MS
_HISTORY_PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")


def premium_index(venue: Venue, spec: SymbolSpec) -> Json:
    """premiumIndex."""
    mark = venue.exchange.mark(spec.symbol)
    last = venue.exchange.funding(spec.symbol, venue.exchange.now_ns - _FUNDING_NS, venue.exchange.now_ns + 1)
    return {
        "symbol": spec.symbol,
        "markPrice": price_text(spec, mark.mark),
        "indexPrice": price_text(spec, mark.index),
        "estimatedSettlePrice": price_text(spec, mark.index),
        "lastFundingRate": text(int(last["rate"][-1]) if len(last) else mark.rate, 8),
        "interestRate": "0.00010000",
        "nextFundingTime": millis(mark.next_funding_ns),
        "time": millis(venue.exchange.now_ns),
    }


def funding_rate(venue: Venue, call: Call) -> object:
    """GET fundingRate: settled ones, oldest first."""
    asked = call.optional("symbol")
    start, end = call.integer("startTime"), call.integer("endTime")
    limit = call.limit(100, 1000)
    if start is not None and end is not None and start > end:
        raise ExchangeError(-4088, "Start time is after end time.")
    now = venue.sync()
    specs = [venue.spec(LINEAR, symbol) for symbol in ([asked] if asked else venue.symbols(LINEAR))]
    stop = now + 1 if end is None else min((end + 1) * NS_PER_MS, now + 1)
    answers: list[Json] = []
    for spec in specs:
        first = max(stop - limit * _FUNDING_NS if start is None else start * NS_PER_MS, GENESIS_NS)
        # A page never holds more than `limit`, so no more than that is made.
        rows = venue.exchange.funding(spec.symbol, first, min(stop, first + (limit + 1) * _FUNDING_NS))
        answers += [
            {
                "symbol": spec.symbol,
                "fundingRate": text(int(row["rate"]), 8),
                "fundingTime": millis(int(row["ts_ns"])),
                "markPrice": price_text(spec, int(row["mark"])),
            }
            for row in (rows[:limit] if start is not None else rows[-limit:])
        ]
    answers.sort(key=lambda row: row["fundingTime"])
    return answers[:limit] if start is not None else answers[-limit:]


def funding_info(venue: Venue, _: Call) -> object:
    """GET fundingInfo."""
    return [
        {
            "symbol": symbol,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": 8,
            "disclaimer": False,
        }
        for symbol in venue.symbols(LINEAR)
    ]


def open_interest(venue: Venue, call: Call) -> Json:
    """GET openInterest."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    now = venue.sync()
    return {
        "openInterest": qty_text(spec, venue.exchange.open_interest(spec.symbol)),
        "symbol": spec.symbol,
        "time": millis(now),
    }


def open_interest_history(venue: Venue, call: Call) -> object:
    """GET /futures/data/openInterestHist, at whole periods, oldest first."""
    spec, times = _periods(venue, call)
    answers = []
    for at_ms in times:
        at = at_ms * NS_PER_MS
        interest = venue.exchange.open_interest(spec.symbol, at)
        price = venue.exchange.script.fair_price(spec, at)
        answers.append(
            {
                "symbol": spec.symbol,
                "sumOpenInterest": text(interest, spec.qty_scale, 8),
                "sumOpenInterestValue": text(interest * price * spec.notional_factor, 8),
                "timestamp": at_ms,
            }
        )
    return answers


def long_short_ratio(venue: Venue, call: Call) -> object:
    """GET /futures/data/globalLongShortAccountRatio, at whole periods, oldest first."""
    spec, times = _periods(venue, call)
    answers = []
    for at_ms in times:
        long = venue.exchange.long_share(spec.symbol, at_ms * NS_PER_MS)
        answers.append(
            {
                "symbol": spec.symbol,
                "longAccount": text(long, 4),
                "longShortRatio": text(round(10_000 * long / (10_000 - long)), 4),
                "shortAccount": text(10_000 - long, 4),
                "timestamp": at_ms,
            }
        )
    return answers


def _periods(venue: Venue, call: Call) -> tuple[SymbolSpec, range]:
    """The symbol asked about and the ends of the periods of one page, ms."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    period = call.text("period")
    if period not in _HISTORY_PERIODS:
        raise ExchangeError(-1130, "Data sent for parameter 'period' is not valid.")
    limit = call.limit(30, 500)
    start, end = call.integer("startTime"), call.integer("endTime")
    now = millis(venue.sync())
    step = INTERVALS[period]
    last = min(now, now if end is None else end) // step * step
    first = last - (limit - 1) * step if start is None else -(-start // step) * step
    first = max(first, -(-millis(GENESIS_NS) // step) * step)
    return spec, range(first, min(last, first + (limit - 1) * step) + 1, step)

"""History from any ccxt venue: instruments, bars, trades and funding as exact records.

Every page but the first begins with the row that ended the one before, so that a lost page is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from infra.errors import TickhouseError
from market import bars as market_bars
from market import funding as market_funding
from market.bars import Bars
from market.dataset import INTERVALS, Dataset
from market.events import Events
from market.funding import RATE_SCALE, FundingRates
from market.instrument import Instrument, InstrumentSpec
from market.rounding import rescale, to_int
from venues import ccxt_frames
from venues.ccxt_markets import spec_of
from venues.ccxt_trades import events_of, trades_by_id, trades_by_time
from venues.errors import VenueCode
from venues.exchange import make_exchange
from venues.paging import by_time
from venues.request import Patience, ask

if TYPE_CHECKING:
    import polars as pl

    from venues.source import Request

__all__ = ["CcxtSource", "Patience", "make_exchange"]

MS = 1_000_000
_PAGE = 1000
_MARK_SCALE = 8
_FUNDING_WINDOW = 60 * 86_400_000  # ms; many venues pay each eight hours and give 200 rows a page

Listed = Instrument | InstrumentSpec
T = TypeVar("T")


class CcxtSource:
    """Reads one venue through a ccxt exchange as `make_exchange` makes it. Times in ns, ranges [start, end)."""

    def __init__(self, exchange: Any, patience: Patience | None = None) -> None:
        self._exchange = exchange
        self._patience = patience or Patience()

    @property
    def venue(self) -> str:
        """ccxt's name of the venue."""
        return str(self._exchange.id)

    @property
    def name(self) -> str:
        """What stands in the column `source`: "binance-rest"."""
        return f"{self.venue}-rest"

    def fetch(self, request: Request) -> Iterator[pl.DataFrame]:
        """Rows of the request; VENUE_NOT_OFFERED for a dataset or an interval that the venue does not have."""
        life, start, end = request.life, request.start, request.end
        match request.dataset:
            case Dataset.BARS:
                interval = INTERVALS.get(request.interval_s, f"{request.interval_s}s")
                yield ccxt_frames.of_bars(self.bars(life, start, end, interval), self.name)
            case Dataset.TRADES:
                yield ccxt_frames.of_trades(self.trades(life, start, end), self.name)
            case Dataset.FUNDING_RATES:
                yield ccxt_frames.of_funding(self.funding(life, start, end), self.name)
            case _:
                raise TickhouseError(VenueCode.VENUE_NOT_OFFERED, venue=self.venue, request=str(request.dataset))

    def fingerprint(self, request: Request) -> str:  # noqa: ARG002 - of the protocol
        """"": only asking tells whether a venue's answer changed."""
        return ""

    def raw(self, request: Request, rows: pl.DataFrame) -> list[str]:  # noqa: ARG002 - of the protocol
        """The rows as JSON."""
        return [str(row) for row in rows.iter_rows(named=True)]

    def now(self) -> int:
        """The venue's clock, ns; ours where it does not tell."""
        if not self._exchange.has.get("fetchTime"):
            return int(self._exchange.milliseconds()) * MS
        return int(self._ask("time", self._exchange.fetch_time)) * MS

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentSpec]:
        """Everything but the ids, in the order of `symbols`; VENUE_SYMBOL_UNKNOWN for one that is not listed."""
        import ccxt

        exchange = self._exchange
        markets = self._ask("markets", lambda: exchange.load_markets(True))
        now = self.now()
        missing = [symbol for symbol in symbols if symbol not in markets]
        if missing:
            raise TickhouseError(VenueCode.VENUE_SYMBOL_UNKNOWN, venue=self.venue, symbol=",".join(missing))
        tick_sizes = exchange.precisionMode == ccxt.TICK_SIZE
        return [spec_of(self.venue, markets[symbol], tick_sizes, now) for symbol in symbols]

    def bars(self, spec: Listed, start: int, end: int, interval: str = "1m") -> Bars:
        """Closed bars that open in [start, end), in time order; the one still forming is left out.

        The venue does not say how many trades there were: `count` is -1.
        """
        exchange = self._exchange
        step = int(exchange.parse_timeframe(interval))
        width, now = step * 1000, self.now() // MS
        since, until = -(-start // MS), min(-(-end // MS), now)

        def fetch(since_ms: int) -> list[Any]:
            return self._ask("bars", lambda: exchange.fetch_ohlcv(spec.symbol, interval, since_ms, _PAGE))

        rows = by_time(fetch, lambda row: int(row[0]), since, until, width, _PAGE * width, "bars")
        rows = [row for row in rows if since <= row[0] < until and row[0] + width <= now]
        out = market_bars.empty(len(rows))
        for at, (ms, open_, high, low, close, volume) in enumerate(rows):
            prices = (self._number(value, spec.price_scale, "bars") for value in (open_, high, low, close))
            size = self._number(volume, spec.qty_scale, "bars")
            out[at] = (ms * MS, (ms + width) * MS, *prices, size, -1, _id(spec), step)
        return out

    def trades(self, spec: Listed, start: int, end: int) -> Events:
        """Trades in [start, end) as TRADE events, in the venue's order. On Binance these are aggregate trades."""
        numbered = self.venue.startswith("binance")
        pager = trades_by_id if numbered else trades_by_time
        trades = pager(self._exchange, self._patience, spec, start, min(end, self.now() + MS))
        return events_of(self.venue, trades, spec, _id(spec), aggregate=numbered)

    def funding(self, spec: Listed, start: int, end: int) -> FundingRates:
        """Funding settled in [start, end), in time order; known when it was settled."""
        exchange = self._exchange
        if not exchange.has.get("fetchFundingRateHistory"):
            raise TickhouseError(VenueCode.VENUE_NOT_OFFERED, venue=self.venue, request="funding")
        since, until = -(-start // MS), min(-(-end // MS), self.now() // MS + 1)

        def fetch(since_ms: int) -> list[Any]:
            return self._ask("funding", lambda: exchange.fetch_funding_rate_history(spec.symbol, since_ms, _PAGE))

        rows = by_time(fetch, lambda row: int(row["timestamp"]), since, until, 1, _FUNDING_WINDOW, "funding")
        rows = [row for row in rows if since <= row["timestamp"] < until]
        out = market_funding.empty(len(rows))
        for at, row in enumerate(rows):
            ts = row["timestamp"] * MS
            rate = self._number(row["fundingRate"], RATE_SCALE, "funding")
            mark = self._number((row.get("info") or {}).get("markPrice") or "0", _MARK_SCALE, "funding")
            out[at] = (ts, ts, rate, rescale(mark, _MARK_SCALE, spec.price_scale), _id(spec))
        return out

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        return ask(self._exchange, self._patience, what, call)

    def _number(self, value: object, scale: int, what: str) -> int:
        if value is None:
            raise TickhouseError(VenueCode.VENUE_BAD_ANSWER, venue=self.venue, request=what, problem="a cell is empty")
        return to_int(str(value), scale)


def _id(spec: Listed) -> int:
    return spec.id if isinstance(spec, Instrument) else 0

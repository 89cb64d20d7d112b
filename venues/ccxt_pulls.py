"""How each dataset is pulled out of a venue through ccxt: its pages from any place on, and its rows as frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infra.errors import TickhouseError
from market.dataset import INTERVALS, Dataset
from market.instrument import Instrument, InstrumentSpec
from venues.beginning import Beginning, Repeats
from venues.ccxt_rows import RATIO, Made
from venues.ccxt_trades import Trades
from venues.errors import VenueCode
from venues.paging import Place, pages
from venues.request import Patience, ask

if TYPE_CHECKING:
    import polars as pl

    from venues.source import Request

MS = 1_000_000
_PAGE = 1000
_SMALL_PAGE = 100                    # of datasets for which ccxt does not tell how much a venue gives
_SPAN = 100                          # bars that a page spans at least, where ccxt does not tell
_HOUR_MS = 3_600_000
# OKX gives the newest rates after a start; with an end they are those that were asked for.
_FUNDING_END = {"okx": "after", "myokx": "after", "okxus": "after"}
_STATISTICS_S = 300                  # the finest period of open interest and ratios that venues keep

Listed = Instrument | InstrumentSpec


@dataclass(frozen=True, slots=True)
class Pull:
    """One request to be: `pages` from a place (None: the beginning), each with the place after it."""

    pages: Callable[[Any], Iterator[tuple[list[Any], Any]]]
    frame: Callable[[Sequence[Any]], pl.DataFrame]
    newest_first: bool = False


class Pulls:
    """The datasets of one venue."""

    def __init__(self, exchange: Any, patience: Patience, source: str) -> None:
        self._exchange, self._patience, self._source = exchange, patience, source
        self._beginnings: dict[str, Beginning] = {}
        self.trades = Trades(exchange, patience)

    def of(self, request: Request, now_ms: int) -> Pull:
        """How `request` is pulled; VENUE_NOT_OFFERED names what the venue has instead."""
        life, since = request.life, -(-request.start // MS)
        until = min(-(-request.end // MS), now_ms + 1)
        match request.dataset:
            case Dataset.BARS:
                return self.bars(life, since, min(until, now_ms), now_ms, self.interval(request.interval_s))
            case Dataset.TRADES:
                return self._trades(life, request.start, min(request.end, (now_ms + 1) * MS))
            case Dataset.FUNDING_RATES:
                return self.funding(life, since, until)
            case Dataset.OPEN_INTEREST:
                return self._statistic(
                    life, since, until, request.interval_s, "fetchOpenInterestHistory", "open interest",
                    self._made(life).open_interest,
                )
            case Dataset.SERIES if request.series in {"", RATIO}:
                return self._statistic(
                    life, since, until, request.interval_s, "fetchLongShortRatioHistory", RATIO,
                    self._made(life).ratios,
                )
            case Dataset.BOOK_SNAPSHOTS:
                return self._book(life, since, until, now_ms)
            case _:
                raise TickhouseError(
                    VenueCode.VENUE_NOT_OFFERED, venue=self._exchange.id,
                    request=request.series or str(request.dataset), offered=",".join(self.offered()),
                )

    def offered(self) -> list[str]:
        """The datasets that the venue has."""
        methods = {
            "fetchOHLCV": str(Dataset.BARS), "fetchTrades": str(Dataset.TRADES),
            "fetchOrderBook": str(Dataset.BOOK_SNAPSHOTS), "fetchFundingRateHistory": str(Dataset.FUNDING_RATES),
            "fetchOpenInterestHistory": str(Dataset.OPEN_INTEREST), "fetchLongShortRatioHistory": f"series/{RATIO}",
        }
        return [name for method, name in methods.items() if self._exchange.has.get(method)]

    def interval(self, seconds: int) -> str:
        """ccxt's name of a bar interval; VENUE_NOT_OFFERED names the venue's own ones."""
        # Months have no fixed length: they are made of days.
        own: dict[int, str] = {
            int(self._exchange.parse_timeframe(name)): name
            for name in self._exchange.timeframes or () if not name.endswith("M")
        }
        if seconds not in own:
            raise TickhouseError(
                VenueCode.VENUE_NOT_OFFERED, venue=self._exchange.id,
                request=f"bars of {INTERVALS.get(seconds, f'{seconds}s')}",
                offered=",".join(own[width] for width in sorted(own)),
            )
        return own[seconds]

    def bars(self, spec: Listed, since: int, until: int, now_ms: int, interval: str) -> Pull:
        """Bars that open in [since, until), ms, and are closed by now."""
        self._need("fetchOHLCV", "bars")
        exchange = self._exchange
        width = int(exchange.parse_timeframe(interval)) * 1000
        most = self._page_of(spec)

        def get(since_ms: int, limit: int) -> list[Any]:
            return list(self._ask("bars", lambda: exchange.fetch_ohlcv(spec.symbol, interval, since_ms, limit)))

        made = self._made(spec)
        return Pull(
            self._by_time(spec, get, lambda row: int(row[0]), since, until, width, (most or _SPAN) * width,
                          most or _PAGE, "bars"),
            lambda rows: made.bars([row for row in rows if row[0] + width <= now_ms], width // 1000),
        )

    def funding(self, spec: Listed, since: int, until: int) -> Pull:
        """Funding settled in [since, until), ms."""
        self._need("fetchFundingRateHistory", "funding")
        limit = _PAGE if self.trades.numbered else _SMALL_PAGE
        window = limit * _HOUR_MS  # funding is paid each hour at most; some venues look no further than a page
        end = _FUNDING_END.get(str(self._exchange.id))

        def get(since_ms: int, limit: int) -> list[Any]:
            bound = {end: str(since_ms + window)} if end else {}
            return list(self._ask(
                "funding", lambda: self._exchange.fetch_funding_rate_history(spec.symbol, since_ms, limit, bound)
            ))

        return Pull(
            self._by_time(spec, get, _timestamp, since, until, 1, window, limit, "funding"),
            self._made(spec).funding,
        )

    def _statistic(
        self, spec: Listed, since: int, until: int, interval_s: int, method: str, what: str,
        frame: Callable[[Sequence[Any]], pl.DataFrame],
    ) -> Pull:
        self._need(method, what)
        interval = self.interval(max(interval_s, _STATISTICS_S))
        width = int(self._exchange.parse_timeframe(interval)) * 1000
        call = {
            "fetchOpenInterestHistory": "fetch_open_interest_history",
            "fetchLongShortRatioHistory": "fetch_long_short_ratio_history",
        }[method]

        def get(since_ms: int, limit: int) -> list[Any]:
            return list(self._ask(
                what, lambda: getattr(self._exchange, call)(spec.symbol, interval, since_ms, limit)
            ))

        return Pull(
            self._by_time(spec, get, _timestamp, since, until, 1, _SMALL_PAGE * width, _SMALL_PAGE, what), frame
        )

    def _trades(self, spec: Listed, start: int, end: int) -> Pull:
        self._need("fetchTrades", "trades")
        made, trades = self._made(spec), self.trades
        return Pull(
            lambda place: trades.pages(spec, start, end, place),
            lambda rows: made.trades(rows, aggregate=trades.numbered), trades.newest_first,
        )

    def _book(self, spec: Listed, since: int, until: int, now_ms: int) -> Pull:
        """The book of this moment; none where the request is of another time."""
        self._need("fetchOrderBook", "book_snapshots")

        def once(_: Any) -> Iterator[tuple[list[Any], Any]]:
            if since <= now_ms < until:
                yield [self._ask("book_snapshots", lambda: self._exchange.fetch_order_book(spec.symbol))], None

        made = self._made(spec)
        return Pull(once, lambda rows: made.book(rows[0], now_ms * MS))

    def _by_time(
        self, spec: Listed, get: Callable[[int, int], list[Any]], time_of: Callable[[Any], int], since: int,
        until: int, step: int, window: int, limit: int, what: str,
    ) -> Callable[[Any], Iterator[tuple[list[Any], Any]]]:
        """Pages of rows with a time, from a place as JSON; watched for venues that begin elsewhere or repeat."""
        beginning = self._beginnings.setdefault(what, Beginning(self._exchange, what))

        def walk(place: Any) -> Iterator[tuple[list[Any], Any]]:
            repeats = Repeats(self._exchange, what)
            first = not place

            def fetch(at: int) -> list[Any]:
                nonlocal first
                page = repeats.page(lambda: get(at, limit), limit)
                if first and page:
                    oldest = sorted(page, key=time_of)
                    beginning.check(get, oldest, max(at, spec.listed // MS) + step, time_of, time_of)
                    first = False
                return page

            begun = Place(**place) if place else Place(since)
            for rows, after in pages(fetch, time_of, begun, until, step, window, what):
                yield rows, asdict(after)

        return walk

    def _page_of(self, spec: Listed) -> int:
        """Bars in a full page, by what ccxt knows of the venue; 0 where it knows nothing."""
        if self.trades.numbered:
            return _PAGE
        if not getattr(self._exchange, "features", None):
            return 0
        self._ask("markets", self._exchange.load_markets)
        told = self._exchange.feature_value(spec.symbol, "fetchOHLCV", "limit")
        return min(_PAGE, int(told)) if told else 0

    def _need(self, method: str, what: str) -> None:
        if self._exchange.has.get(method) not in {True, "emulated"}:
            raise TickhouseError(
                VenueCode.VENUE_NOT_OFFERED, venue=self._exchange.id, request=what, offered=",".join(self.offered())
            )

    def _made(self, spec: Listed) -> Made:
        return Made(str(self._exchange.id), self._source, spec)

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        return ask(self._exchange, self._patience, what, call)


def _timestamp(row: Any) -> int:
    at = row.get("timestamp")
    if not isinstance(at, int):
        raise TickhouseError(VenueCode.VENUE_BAD_ANSWER, request="rows", problem=f"not a time: {at!r}")
    return at

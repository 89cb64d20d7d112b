"""History from any ccxt venue: instruments and every dataset it keeps, exact, page by page, resumable.

Every page but the first begins with the row that ended the one before, so that a lost page is noticed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from infra.errors import TickhouseError
from market import bars as market_bars
from market import funding as market_funding
from market.bars import Bars
from market.dataset import SCHEMAS, Dataset, clock
from market.events import Events
from market.funding import FundingRates
from market.instrument import Instrument, InstrumentSpec
from venues import cursor
from venues.ccxt_markets import spec_of
from venues.ccxt_pulls import MS, Pulls
from venues.ccxt_rows import RAW
from venues.ccxt_trades import events_of
from venues.cursor import Parts
from venues.errors import VenueCode
from venues.exchange import make_exchange
from venues.request import Patience, ask

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from venues.ccxt_pulls import Pull
    from venues.source import Request

__all__ = ["CcxtSource", "Patience", "make_exchange"]

_BATCH = 20_000   # rows that are handed on at once
_KEPT = 3         # answers whose own text is kept for `raw`, and more while they are small: many are judged together
_KEPT_BYTES = 32 << 20

Listed = Instrument | InstrumentSpec
T = TypeVar("T")


class CcxtSource:
    """Reads one venue through a ccxt exchange as `make_exchange` makes it. Times in ns, ranges [start, end).

    With a `staging` folder the pages of a request that is under way are kept there, so that after a kill the next
    `fetch` of the same instrument from the same start asks only for the rest.
    """

    def __init__(self, exchange: Any, patience: Patience | None = None, staging: Path | None = None) -> None:
        self._exchange = exchange
        self._patience = patience or Patience()
        self._staging = staging
        self._pulls = Pulls(exchange, self._patience, self.name)
        self._kept: OrderedDict[Request, list[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        if staging is not None:
            cursor.sweep(staging, self.name)

    @property
    def venue(self) -> str:
        """ccxt's name of the venue."""
        return str(self._exchange.id)

    @property
    def name(self) -> str:
        """What stands in the column `source`: "binance-rest"."""
        return f"{self.venue}-rest"

    def now(self) -> int:
        """The venue's clock, ns; ours where it does not tell."""
        if not self._exchange.has.get("fetchTime"):
            return int(self._exchange.milliseconds()) * MS
        return int(self._ask("time", self._exchange.fetch_time)) * MS

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentSpec]:
        """Everything but the ids, in the order of `symbols`, without those that the venue lists no more.

        VENUE_SYMBOL_UNKNOWN where it lists none of them: then it is another market, or no list.
        """
        import ccxt

        markets = self._ask("markets", lambda: self._exchange.load_markets(True))
        now = self.now()
        tick_sizes = self._exchange.precisionMode == ccxt.TICK_SIZE
        there = [symbol for symbol in symbols if symbol in markets]
        if symbols and not there:
            raise TickhouseError(VenueCode.VENUE_SYMBOL_UNKNOWN, venue=self.venue, symbol=",".join(symbols))
        return [spec_of(self.venue, markets[symbol], tick_sizes, now) for symbol in there]

    def fetch(self, request: Request) -> Iterator[pl.DataFrame]:
        """Rows of the request in batches; VENUE_NOT_OFFERED for a dataset or an interval that the venue does not have.

        A request that was whole leaves nothing in the staging folder.
        """
        pull = self._pulls.of(request, self.now() // MS)
        with Parts(self._staging, self.name, _key(request, pull)) as parts:
            for rows, place in pull.pages(parts.place):
                parts.add(pull.frame(rows), place)
            # A venue that answers from late to early is turned round.
            yield from _batches(parts.frames(backwards=pull.newest_first), request)
            kept = parts.finish()
        with self._lock:
            self._kept[request] = kept
            size = sum(len(part) for parts in self._kept.values() for part in parts)
            while len(self._kept) > _KEPT and size > _KEPT_BYTES:
                _, dropped = self._kept.popitem(last=False)
                size -= sum(map(len, dropped))

    def fingerprint(self, request: Request) -> str:  # noqa: ARG002 - of the protocol
        """Nothing: only asking tells whether a venue's answer has changed."""
        return ""

    def raw(self, request: Request, rows: pl.DataFrame) -> list[str]:
        """The venue's own text of these rows of a recent answer; without one the row as we read it, as JSON."""
        key = [name for name in ("series", "ts_recv", "ts_event", "trade_id", "seq") if name in rows.columns]
        with self._lock:
            contents = [
                content for asked, parts in self._kept.items() for content in parts
                if (asked.dataset, asked.life.id, asked.interval_s, asked.series)
                == (request.dataset, request.life.id, request.interval_s, request.series)
            ]
        wanted = rows.select(key).with_row_index("_row")
        texts: dict[int, str] = {}
        for content in contents:
            found = wanted.join(cursor.decode(content).select(*key, RAW), on=key, how="inner")
            texts.update(zip(found["_row"].to_list(), found[RAW].to_list(), strict=True))
        plain = rows.select(name for name in SCHEMAS[request.dataset] if name in rows.columns)
        return [texts.get(at) or plain[at].write_json()[1:-1] for at in range(rows.height)]

    def bars(self, spec: Listed, start: int, end: int, interval: str = "1m") -> Bars:
        """Closed bars that open in [start, end), in time order; the one still forming is left out.

        The venue does not say how many trades there were: `count` is -1.
        """
        now = self.now() // MS
        pull = self._pulls.bars(spec, -(-start // MS), min(-(-end // MS), now), now, interval)
        frame = self._whole(pull, Dataset.BARS, start, end)
        return _filled(market_bars.empty(frame.height), frame)

    def trades(self, spec: Listed, start: int, end: int) -> Events:
        """Trades in [start, end) as TRADE events, in the venue's order. On Binance these are aggregate trades."""
        trades = self._pulls.trades
        pages = [page for page, _ in trades.pages(spec, start, min(end, self.now() + MS), None)]
        if trades.newest_first:
            pages.reverse()
        rows = [trade for page in pages for trade in page if start <= trade["timestamp"] * MS < end]
        number = spec.id if isinstance(spec, Instrument) else 0
        return events_of(self.venue, rows, spec, number, aggregate=trades.numbered)

    def funding(self, spec: Listed, start: int, end: int) -> FundingRates:
        """Funding settled in [start, end), in time order; known when it was settled."""
        until = min(-(-end // MS), self.now() // MS + 1)
        frame = self._whole(self._pulls.funding(spec, -(-start // MS), until), Dataset.FUNDING_RATES, start, end)
        return _filled(market_funding.empty(frame.height), frame)

    def _whole(self, pull: Pull, dataset: Dataset, start: int, end: int) -> pl.DataFrame:
        frames = [pull.frame(rows) for rows, _ in pull.pages(None)]
        frame = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMAS[dataset])
        return frame.filter(pl.col("ts_event").is_between(start, end, closed="left"))

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        return ask(self._exchange, self._patience, what, call)


def _filled(out: NDArray[np.void], frame: pl.DataFrame) -> NDArray[np.void]:
    for name in out.dtype.names or ():
        out[name] = frame[name].to_numpy()
    return out


def _batches(frames: Iterator[pl.DataFrame], request: Request) -> Iterator[pl.DataFrame]:
    waiting: list[pl.DataFrame] = []
    column = pl.col(clock(request.dataset))
    for frame in frames:
        waiting.append(frame.drop(RAW).filter(column.is_between(request.start, request.end, closed="left")))
        if sum(part.height for part in waiting) >= _BATCH:
            yield pl.concat(waiting)
            waiting = []
    if any(part.height for part in waiting):
        yield pl.concat(waiting)


def _key(request: Request, pull: Pull) -> str:
    """What makes two requests one partition: pages in time order serve every end."""
    life = request.life
    return "|".join(
        str(part) for part in (
            request.dataset, request.interval_s, request.series, life.id, life.symbol, life.price_scale,
            life.qty_scale, request.start, request.end if pull.newest_first else "",
        )
    )  # fmt: skip

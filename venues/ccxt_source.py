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
from market.dataset import SCHEMAS, clock
from market.events import Events
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

    def trades(self, spec: Listed, start: int, end: int) -> Events:
        """Trades in [start, end) as TRADE events, in the venue's order. On Binance these are aggregate trades."""
        trades = self._pulls.trades
        pages = [page for page, _ in trades.pages(spec, start, min(end, self.now() + MS), None)]
        if trades.newest_first:
            pages.reverse()
        rows = [trade for page in pages for trade in page if start <= trade["timestamp"] * MS < end]
        number = spec.id if isinstance(spec, Instrument) else 0
        return events_of(self.venue, rows, spec, number, aggregate=trades.numbered)

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        return ask(self._exchange, self._patience, what, call)


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

"""The paper account: its own feed from the venue, its orders in our own book, its memory in the gateway's journal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np
import structlog

from execution.gateways.port import Account, Answer, Ears, listening
from execution.gateways.state import GatewayState
from execution.gateways.universe import Universe
from execution.paper.engine import PaperVenue
from execution.paper.funding import PaperFunding
from execution.reconcile import NotFound, Seen, Sighting, VenueFill, VenueStatus
from infra.errors import TickhouseError
from ledger.intent import Intent, TimeInForce
from ledger.order import Order, OrderState
from market.book import Books
from market.events import Events, empty
from venues import exchange
from venues.binance import codec
from venues.inbox import FrameBatch
from venues.snapshots import SnapshotFetcher
from venues.stepped import SteppedLoop
from venues.websocket import StreamLink

log = structlog.get_logger()

_STREAMS = ("aggTrade", "depth@100ms", "markPrice@1s")
_UNPROVED_S = 0.25


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - the venue's name; ms


class _Running(SteppedLoop):
    """The running asyncio loop in the shape of a stepped one: everything moves by itself, `wake` sets an event."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._waiting = False
        self._tasks = set()
        self.ready = asyncio.Event()

    def step(self, wait_s: float = 0.0) -> None:
        """Nothing to do: the loop runs."""
        del wait_s

    def finish(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Cancels them; the running loop does the rest."""
        for task in tasks:
            task.cancel()

    def wake(self) -> None:
        """Says that something has come."""
        self.ready.set()


class PaperPort:
    """A venue account that exists only here."""

    kind = "paper"
    arrival_window_ns = 0   # a request arrives at once or never

    def __init__(
        self, venue: str, sandbox_url: str | None, lives: Universe, state: GatewayState, deposit: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`deposit`: 10^-8 of each settlement currency, when the account is first met."""
        self._deposit = deposit
        self._venue, self._sandbox_url = venue, sandbox_url
        self._lives = lives.instruments
        self._by_id = {life.id: life for life in self._lives}
        self._rules = lives.rules
        self._state = state
        self._clock = clock
        self._decoder = codec.FastDecoder(self._lives)
        units = [self._rules[life.id].tick if life.id in self._rules else 1 for life in self._lives]
        self._books = Books([life.id for life in self._lives], units)
        self._funding = PaperFunding(self._lives)
        self._proved = asyncio.Event()
        self._engine: PaperVenue | None = None
        self._ears: Ears | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, ears: Ears, open_orders: list[Order]) -> None:
        """Connects to the feed and waits until every book is proved."""
        self._ears = ears
        self._engine = PaperVenue(self._lives, self._rules, self._books, ears.on_fill, ears.on_sighting)
        for order in open_orders:
            if _taken(order) and order.intent.tif == TimeInForce.GTC:
                self._engine.restore(order)
        running = _Running()
        names = codec.subscriptions(self._lives, _STREAMS)
        base_url = exchange.websocket_base(self._venue, self._sandbox_url, "linear")
        link = StreamLink(codec.connections(base_url, names, "linear"), running)
        fetcher = SnapshotFetcher(running, exchange.rest_base(self._venue, self._sandbox_url, "linear"))
        self._tasks = [listening(self._run(running, link, fetcher), ears)]
        await self._proved.wait()

    async def stop(self) -> None:
        """Disconnects."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def place(self, intent: Intent) -> Answer:
        """Matches at once."""
        return self._venue_engine.place(intent, self._state.view.position(intent.instrument), self._clock())

    async def cancel(self, order: Order) -> Answer:
        """Cancels at once."""
        return self._venue_engine.cancel(order.intent.order_id, self._clock())

    async def look_up(self, order: Order) -> Sighting:
        """What rests in the paper book; the journal has all the rest, so nothing else was ever here.

        An order that may not rest and has no end on record was cut off between its fills and its end.
        """
        seen = self._venue_engine.look_up(order.intent.order_id)
        if seen is None and _taken(order):
            return Seen(f"p{order.intent.order_id}", VenueStatus.EXPIRED, order.filled, self._clock())
        return seen if seen is not None else NotFound()

    async def fills_since(self, since_ns: int) -> list[VenueFill] | None:
        """None are unknown: every fill was journaled when it was made."""
        del since_ns
        return []

    async def account(self) -> Account | None:
        """The journal's own positions, and the opening deposit."""
        settle = {life.settle: self._deposit for life in self._lives if life.settle}
        return Account(self._state.positions(), {}, settle)

    async def venue_time(self) -> int | None:
        """Of the venue whose feed this is."""
        import aiohttp

        url = f"{exchange.rest_base(self._venue, self._sandbox_url, 'linear')}/time"
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as web, web.get(url) as answer:
                return msgspec.json.decode(await answer.read(), type=_Time).serverTime * 1_000_000
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError):
            return None

    @property
    def _venue_engine(self) -> PaperVenue:
        if self._engine is None:
            raise RuntimeError("the desk starts a port before using it")
        return self._engine

    async def _run(self, running: _Running, link: StreamLink, fetcher: SnapshotFetcher) -> None:
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(running.ready.wait(), _UNPROVED_S)
                running.ready.clear()
                self._read(link.step())
                for answer in fetcher.take():
                    self._snapshot(answer.instrument, answer.body, answer.ts_recv)
                if link.up:
                    for instrument in self._books.unproved():
                        fetcher.request(self._by_id[instrument])
        finally:
            link.close()
            await fetcher.aclose()

    def _read(self, batch: FrameBatch) -> None:
        for change in batch.changes:
            if not change.up:  # what this connection would have told is lost: no book is proved any more
                for life in self._lives:
                    self._books.invalidate(life.id)
        frames = len(batch)
        if not frames:
            return
        out = empty(codec.room_for(int(batch.ends[-1]), frames))
        ends = np.zeros(frames, dtype=np.int64)
        dead = self._decoder.decode_batch(batch.buffer, batch.ends, batch.ts_recv, frames, out, ends)
        if dead:
            log.warning("frames not understood", count=len(dead), first=batch.frame(dead[0][0])[:200])
        self._feed(out[: int(ends[-1])])

    def _snapshot(self, instrument: int, body: bytes, ts_recv: int) -> None:
        try:
            self._feed(codec.decode_snapshot(self._by_id[instrument], body, ts_recv))
        except TickhouseError as error:
            log.warning("snapshot not understood, asking again", error=str(error)[:200])

    def _feed(self, events: Events) -> None:
        self._venue_engine.on_events(events)
        if not self._proved.is_set() and not self._books.unproved():
            self._proved.set()
        for move in self._funding.on_events(events, self._state.positions()):
            if self._ears is not None:
                self._ears.on_cash(move)


def _taken(order: Order) -> bool:
    base = order.beneath if order.state == OrderState.PENDING_CANCEL else order.state
    return base in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)

"""From the core's events to the streams: what is told at once, and what has a pace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from sandbox.engine.types import (
    LINEAR,
    SPOT,
    BalanceUpdate,
    BookTicker,
    DepthDiff,
    Event,
    OrderUpdate,
    PositionUpdate,
    SymbolSpec,
    Trade,
)
from sandbox.server.candles import candles
from sandbox.server.clock import NS_PER_MS
from sandbox.server.day_ticker import mini_ticker_event, ticker_event
from sandbox.server.depth_feed import DepthChain
from sandbox.server.hub import Hub, Topic
from sandbox.server.intervals import next_open, open_of
from sandbox.server.market_events import (
    aggregate_event,
    book_ticker_event,
    depth_event,
    kline_event,
    mark_event,
    trade_event,
)
from sandbox.server.market_rest import depth_json
from sandbox.server.order_json import Json
from sandbox.server.streams import ALL_SYMBOLS, Kind
from sandbox.server.user_events import user_messages
from sandbox.server.users import UserFeed
from sandbox.server.venue import Venue

_encode = msgspec.json.Encoder().encode
# When the market runs faster than the wall, paced streams send no more often than this, or they would drown it.
_LEAST_WALL_NS = 20 * NS_PER_MS


@dataclass
class _Paced:
    """Where one paced stream stands."""

    market_ns: int
    wall_ns: int = 0
    chain: DepthChain = field(default_factory=DepthChain)
    update_id: int = -1
    open_ms: int | None = None
    told: tuple[int, int] = (-1, -1)


class Live:
    """The exchange's mouth."""

    def __init__(self, venue: Venue, hub: Hub, users: UserFeed) -> None:
        self._venue = venue
        self._hub = hub
        self._users = users
        self._paced: dict[Topic, _Paced] = {}
        self._flush_asked = False

    def hear(self, events: Sequence[Event]) -> None:
        """Tell the streams what has just happened."""
        specs = self._venue.exchange.specs
        for event in events:
            if isinstance(event, Trade):
                self._tell(Kind.TRADE, event, specs)
            elif isinstance(event, BookTicker):
                self._tell(Kind.BOOK_TICKER, event, specs)
            elif isinstance(event, DepthDiff):
                self._gather(event)
        private = [event for event in events if isinstance(event, (OrderUpdate, BalanceUpdate, PositionUpdate))]
        for door, message in user_messages(private, specs):
            self._users.publish(door, _encode(message))
        if events and not self._flush_asked:
            self._flush_asked = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_asked = False
        self._hub.flush()

    def _tell(self, kind: Kind, event: Trade | BookTicker, specs: dict[tuple[str, str], SymbolSpec]) -> None:
        hub, market, symbol = self._hub, event.market, event.symbol
        if isinstance(event, Trade):
            for topic in hub.topics(market, symbol, kind):
                topic.publish(_encode(trade_event(event, specs[market, symbol])))
            for topic in hub.topics(market, symbol, Kind.AGG_TRADE):
                topic.publish(_encode(aggregate_event(event, specs[market, symbol])))
            return
        for topic in (*hub.topics(market, symbol, kind), *hub.topics(market, ALL_SYMBOLS, kind)):
            topic.publish(_encode(book_ticker_event(event, specs[market, symbol])))

    def _gather(self, diff: DepthDiff) -> None:
        for topic in self._hub.topics(diff.market, diff.symbol, Kind.DEPTH_DIFF):
            self._state(topic).chain.add(diff)

    def _state(self, topic: Topic) -> _Paced:
        state = self._paced.get(topic)
        if state is None:
            state = self._paced[topic] = _Paced(0)
        return state

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Tell what is due at this market time."""
        topics = self._hub.all_topics()
        for gone in [topic for topic in self._paced if not topic.clients]:
            del self._paced[gone]
        for topic in topics:
            stream = topic.stream
            if stream.kind in {Kind.TRADE, Kind.AGG_TRADE, Kind.BOOK_TICKER}:
                continue
            state = self._state(topic)
            late = now_ns - state.market_ns >= stream.every_ms * NS_PER_MS
            if stream.kind is Kind.KLINE:
                self._kline(topic, state, late and wall_ns - state.wall_ns >= _LEAST_WALL_NS, now_ns, wall_ns)
            elif late and wall_ns - state.wall_ns >= _LEAST_WALL_NS:
                state.market_ns, state.wall_ns = now_ns, wall_ns
                self._paced_event(topic, state, now_ns)

    def _paced_event(self, topic: Topic, state: _Paced, now_ns: int) -> None:
        stream, venue = topic.stream, self._venue
        if stream.symbol == ALL_SYMBOLS:
            topic.publish(
                _encode(
                    [
                        self._one(stream.kind, venue.spec(stream.market, symbol))
                        for symbol in venue.symbols(stream.market)
                    ]
                )
            )
            return
        spec = venue.spec(stream.market, stream.symbol)
        if stream.kind is Kind.DEPTH_DIFF:
            diff = state.chain.take()
            if diff is not None:
                topic.publish(_encode(depth_event(diff, spec)))
        elif stream.kind is Kind.DEPTH_LEVELS:
            book = venue.exchange.depth(stream.market, stream.symbol, stream.levels)
            if book.last_update_id == state.update_id:
                return
            previous, state.update_id = state.update_id, book.last_update_id
            if spec.market == SPOT:
                topic.publish(_encode(depth_json(spec, book, now_ns)))
                return
            whole = DepthDiff(
                LINEAR, spec.symbol, now_ns, book.last_update_id, book.last_update_id, previous, book.bids, book.asks
            )
            topic.publish(_encode(depth_event(whole, spec)))
        else:
            topic.publish(_encode(self._one(stream.kind, spec)))

    def _one(self, kind: Kind, spec: SymbolSpec) -> Json:
        if kind is Kind.TICKER:
            return ticker_event(self._venue, spec)
        if kind is Kind.MINI_TICKER:
            return mini_ticker_event(self._venue, spec)
        return mark_event(self._venue.exchange.mark(spec.symbol), spec)

    def _kline(self, topic: Topic, state: _Paced, due: bool, now_ns: int, wall_ns: int) -> None:
        """Each candle once when it closes, and the forming one at the stream's pace when it has changed."""
        stream, core = topic.stream, self._venue.exchange
        now_ms = now_ns // NS_PER_MS
        current = open_of(stream.interval, now_ms)
        if state.open_ms is None:
            state.open_ms = current
        if not due and state.open_ms == current:
            return
        spec = self._venue.spec(stream.market, stream.symbol)
        rows = candles(core, spec, stream.interval, state.open_ms, now_ms + 1)
        last = core.last_trades(stream.market, stream.symbol, 1)
        state.market_ns, state.wall_ns, state.open_ms = now_ns, wall_ns, current
        # Trade ids are consecutive, so each candle's last one follows from those after it.
        last_id = int(last["id"][-1]) if len(last) else 0
        told = []
        for row in rows[::-1]:
            open_ms, count = int(row["open_ms"]), int(row["trades"])
            if open_ms != current or (open_ms, count) != state.told:
                at_ms = max(now_ms, next_open(stream.interval, open_ms)) if open_ms != current else now_ms
                told.append(kline_event(row, spec, stream.interval, at_ms, last_id))
            if open_ms == current:
                state.told = (open_ms, count)
            last_id -= count
        for event in reversed(told):
            topic.publish(_encode(event))

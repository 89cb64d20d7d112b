"""Time going by: scripted trades of all symbols in order, funding, liquidations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sandbox.engine.feed import Feed
from sandbox.engine.floor import Floor
from sandbox.engine.margin import Margin
from sandbox.engine.matcher import Matcher
from sandbox.engine.types import LINEAR, Mark
from sandbox.engine.venue import Venue
from sandbox.market.calendar import NS_PER_MINUTE, NS_PER_SECOND, day_of, day_start
from sandbox.market.fair import next_funding

Due = tuple[int, Floor, int, int, bool, int]  # time, floor, price, quantity, buyer is maker, best bid
Columns = tuple[NDArray[np.generic], ...]


class Runner:
    """Moves the venue's clock. What happens depends on the time reached, never on the size of the steps."""

    def __init__(self, venue: Venue, matcher: Matcher) -> None:
        self._venue = venue
        self._matcher = matcher
        self._margin = Margin(venue, matcher)
        self._floors = list(venue.floors.values())
        self._feeds = {floor.spec.key: Feed(floor, venue.now_ns, venue.quote_ns) for floor in self._floors}
        self._next_ts = dict.fromkeys(self._feeds, 0)  # of each symbol's next scripted trade; 0: not looked up
        self._marked_ns = 0
        self._untold = False  # the feeds slept through silent time

    def feed(self, market: str, symbol: str) -> Feed:
        """What is told of a symbol's book."""
        return self._feeds[market, symbol]

    def advance(self, now_ns: int, *, silent: bool = False) -> None:
        """Run the market up to and including `now_ns`; `silent` makes the same state and tells nobody."""
        if silent:
            self._untold = True
            if now_ns > self._venue.now_ns:
                self._leap(now_ns)
        elif self._untold:
            self._untold = False
            for feed in self._feeds.values():
                feed.restart(self._venue.now_ns)
        while self._venue.now_ns < now_ns:
            here = self._venue.now_ns
            # One day's tape at a time; a day ends with its last nanosecond.
            until = min(now_ns, day_start(day_of(here + 1) + 1) - 1)
            self._run(until, silent=silent)
        if not silent:
            self._tell_books()
            self._tell_marks()

    def _leap(self, now_ns: int) -> None:
        """Set the symbols in which no user has anything at stake to where they will be."""
        venue = self._venue
        held = {symbol for _, symbol, _ in venue.linear.exposed()}
        busy = False
        for floor in self._floors:
            market, symbol = floor.spec.key
            if floor.is_quiet and not (market == LINEAR and symbol in held):
                cursor = venue.script.cursor(market, symbol, now_ns + 1)
                if cursor > floor.prints.cursor:
                    floor.prints.cursor = cursor
                    floor.recall(venue.script)
                self._next_ts[market, symbol] = 0
            else:
                busy = True
        if not busy:
            venue.now_ns = now_ns

    def _run(self, until: int, *, silent: bool) -> None:
        venue = self._venue
        next_tick = (venue.now_ns // NS_PER_MINUTE + 1) * NS_PER_MINUTE
        for ts_ns, floor, price, qty, buyer_is_maker, bid in self._due(until):
            while next_tick <= ts_ns:
                next_tick = self._tick(next_tick, ts_ns)
            venue.now_ns = ts_ns
            told = self._matcher.scripted(floor, price, qty, buyer_is_maker, bid)
            if silent:
                venue.events.clear()
            elif told is not None:
                self._feeds[floor.spec.key].tell(ts_ns, venue.events)
        while next_tick <= until:
            next_tick = self._tick(next_tick, until)
        venue.now_ns = until
        if silent:
            venue.events.clear()

    def _tick(self, tick_ns: int, until: int) -> int:
        """A minute has begun: funding and margin calls. The next minute in which there is anything to do."""
        venue = self._venue
        venue.now_ns = tick_ns
        self._margin.minute(tick_ns)
        if self._margin.idle:
            # Nobody has a position: nothing to do before a trade.
            return max(tick_ns, until // NS_PER_MINUTE * NS_PER_MINUTE) + NS_PER_MINUTE
        return tick_ns + NS_PER_MINUTE

    def _due(self, until: int) -> Iterator[Due]:
        """The scripted trades of all symbols up to `until`, in order of time."""
        parts: list[tuple[int, Columns]] = []
        for index, floor in enumerate(self._floors):
            span = self._span(floor, until)
            if span is None:
                continue
            parts.append((index, span))
        if not parts:
            return
        floors = np.concatenate([np.full(len(span[0]), index) for index, span in parts])
        columns = [np.concatenate(column) for column in zip(*(span for _, span in parts), strict=True)]
        order = np.argsort(columns[0], kind="stable")
        rows = zip(floors[order].tolist(), *(column[order].tolist() for column in columns), strict=True)
        for index, ts_ns, price, qty, buyer_is_maker, bid in rows:
            yield ts_ns, self._floors[index], price, qty, buyer_is_maker, bid

    def _span(self, floor: Floor, until: int) -> Columns | None:
        """One symbol's scripted trades from its cursor up to `until`, as columns; None when there are none."""
        key = floor.spec.key
        if self._next_ts[key] > until:
            return None
        day, first = divmod(floor.prints.cursor, floor.spec.trades_per_day)
        if day > day_of(until):
            return None
        tape = self._venue.script.tape(*key, day)
        times = tape.trades["ts_ns"]
        last = int(np.searchsorted(times, until, side="right"))
        self._next_ts[key] = int(times[last]) if last < len(times) else day_start(day + 1)
        if last <= first:
            return None
        rows = tape.trades[first:last]
        return rows["ts_ns"], rows["price"], rows["qty"], rows["buyer_is_maker"], tape.bid[first:last]

    def _tell_books(self) -> None:
        venue = self._venue
        for feed in self._feeds.values():
            feed.tell_if_due(venue.now_ns, venue.events)

    def _tell_marks(self) -> None:
        venue = self._venue
        if venue.now_ns // NS_PER_SECOND <= self._marked_ns // NS_PER_SECOND:
            return
        self._marked_ns = venue.now_ns
        for market, symbol in venue.floors:
            if market == LINEAR:
                venue.events.append(self.mark(symbol))

    def mark(self, symbol: str, at_ns: int | None = None) -> Mark:
        """Mark, index and coming funding of a perpetual, now unless told when."""
        venue = self._venue
        spec = venue.floor(LINEAR, symbol).spec
        now_ns = venue.now_ns if at_ns is None else at_ns
        coming = next_funding(now_ns)
        return Mark(symbol, now_ns, venue.script.fair_price(spec, now_ns), venue.script.index_price(spec, now_ns),
                    venue.script.fair.rate(symbol, coming, now_ns), coming)

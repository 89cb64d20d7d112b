"""What the public sees of a book: its best prices and its changes."""

from __future__ import annotations

from collections.abc import Collection

from sandbox.engine.floor import Floor
from sandbox.engine.types import BookTicker, Depth, DepthDiff, Event, Side
from sandbox.market.calendar import GENESIS_NS, NS_PER_MS

DIFF_NS = 100 * NS_PER_MS


def update_id(ts_ns: int) -> int:
    """Book updates are numbered by their microsecond: every process that replays the market gives the same ids."""
    return (ts_ns - GENESIS_NS) // 1_000


class Feed:
    """Compares the book with what was last told of it."""

    def __init__(self, floor: Floor, now_ns: int, every_ns: int) -> None:
        self._floor = floor
        self._every_ns = min(every_ns, DIFF_NS)
        self._look_ns = now_ns       # when to look again
        self._changes = 0            # how many orders had come and gone at the last look
        self._ticker: tuple[int, int, int, int] | None = None
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._shown: tuple[set[int], set[int]] = (set(), set())  # prices at which a snapshot has run ahead of the diffs
        self.restart(now_ns)

    def restart(self, now_ns: int) -> None:
        """Take the book as it stands for known."""
        self._told_ns = now_ns
        self._bids = dict(self._floor.levels(Side.BUY, now_ns))
        self._asks = dict(self._floor.levels(Side.SELL, now_ns))

    def tell_if_due(self, now_ns: int, events: list[Event]) -> None:
        """Tell, unless the book can hardly have changed since the last look."""
        if now_ns >= self._look_ns or self._changes != self._floor.book.changes:
            self.tell(now_ns, events)

    def tell(self, now_ns: int, events: list[Event]) -> None:
        """Add a BookTicker when the best changed, and a DepthDiff when the last one is 100 ms old."""
        spec = self._floor.spec
        self._changes = self._floor.book.changes
        self._look_ns = now_ns + self._every_ns
        bids = self._floor.levels(Side.BUY, now_ns)
        asks = self._floor.levels(Side.SELL, now_ns)
        best = (*(bids[0] if bids else (0, 0)), *(asks[0] if asks else (0, 0)))
        now_id = update_id(now_ns)
        if best != self._ticker:
            self._ticker = best
            events.append(BookTicker(spec.market, spec.symbol, now_ns, now_id, *best))
        if now_ns - self._told_ns < DIFF_NS:
            self._look_ns = min(self._look_ns, self._told_ns + DIFF_NS)
            return
        new_bids, new_asks = dict(bids), dict(asks)
        bid_changes = _changes(self._bids, new_bids, self._shown[0])
        ask_changes = _changes(self._asks, new_asks, self._shown[1])
        if not bid_changes and not ask_changes:
            return
        before = update_id(self._told_ns)
        events.append(DepthDiff(spec.market, spec.symbol, now_ns, before + 1, now_id, before, bid_changes, ask_changes))
        self._bids, self._asks, self._told_ns, self._shown = new_bids, new_asks, now_ns, (set(), set())

    def snapshot(self, now_ns: int, limit: int) -> Depth:
        """The book now.

        A level seen here and back to what was told before the next diff would not be in it: it is remembered.
        """
        bids, asks = self._floor.levels(Side.BUY, now_ns), self._floor.levels(Side.SELL, now_ns)
        self._shown[0].update(price for price, _ in _changes(self._bids, dict(bids)))
        self._shown[1].update(price for price, _ in _changes(self._asks, dict(asks)))
        return Depth(update_id(now_ns), now_ns, bids[:limit], asks[:limit])

    def ticker(self, now_ns: int) -> BookTicker:
        """The best prices now."""
        depth = self.snapshot(now_ns, 1)
        bid, ask = (side[0] if side else (0, 0) for side in (depth.bids, depth.asks))
        return BookTicker(self._floor.spec.market, self._floor.spec.symbol, now_ns, depth.last_update_id, *bid, *ask)


def _changes(old: dict[int, int], new: dict[int, int], also: Collection[int] = ()) -> list[tuple[int, int]]:
    """Levels set anew, gone ones as 0, and those of `also` as they stand."""
    before = old.get
    changes = [level for level in new.items() if before(level[0]) != level[1] or level[0] in also]
    changes += [(price, 0) for price in {*old, *also} if price not in new]
    return changes

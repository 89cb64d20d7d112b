"""Fills on a live book, pure: the same events and orders in the same order give the same fills.

Taking: level by level from the other side, each level only once until it changes.
Resting: behind what was displayed at entry. Trades at our price wear the queue down, then fill us; a trade beyond
our price fills us as far as it goes; a book that crosses our price does too. What the queue loses is never more
than what is displayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from execution.errors import ExecutionCode
from execution.gateways.port import Answer, Verdict
from execution.reconcile import Seen, VenueFill, VenueStatus
from ledger.intent import Intent, OrderType, TimeInForce
from ledger.order import Liquidity, Order
from ledger.value import round_ratio, valuation
from market.book import Books, BookStatus
from market.events import Events, Flag, Kind, Side
from market.instrument import Instrument, TradingRules

_TAKE_LEVELS = 200
_PPM_OF_MONEY = 10**16  # the ledger's 10^-18 times parts per million, to 10^-8


@dataclass(slots=True)
class Resting:
    """An order in the paper book."""

    order_id: str
    instrument: int
    side: Side
    price: int
    leaves: int
    filled: int
    ahead: int      # quantity displayed before us


@dataclass(slots=True)
class _Taken:
    """What we took of a level, valid while it is displayed as then."""

    displayed: int
    qty: int


class PaperVenue:
    """Matches paper orders against `books`; news goes to `hear_fill` and `hear_order`."""

    def __init__(
        self, instruments: Iterable[Instrument], rules: dict[int, TradingRules], books: Books,
        hear_fill: Callable[[VenueFill], None], hear_order: Callable[[str, Seen], None],
    ) -> None:
        self.books = books
        self._instruments = {life.id: life for life in instruments}
        self._valuations = {i: valuation(life) for i, life in self._instruments.items()}
        self._rules = rules
        self._hear_fill = hear_fill
        self._hear_order = hear_order
        self.resting: dict[str, Resting] = {}  # in order of arrival
        self._taken: dict[tuple[int, Side, int], _Taken] = {}

    def restore(self, order: Order) -> None:
        """Puts an order of an earlier life back: at the end of the queue, when there is a book again."""
        intent = order.intent
        self.resting[intent.order_id] = Resting(
            intent.order_id, intent.instrument, intent.side, order.price, order.leaves, order.filled, -1
        )

    def place(self, intent: Intent, position: int, now_ns: int) -> Answer:
        """Takes an order; its fills and end are told before this returns. `position` is for reduce-only."""
        refusal = self._refusal(intent, position)
        if refusal is not None:
            return Answer(Verdict.REFUSED, code=refusal.name)
        order = Resting(intent.order_id, intent.instrument, intent.side, intent.price, intent.qty, 0, 0)
        self._tell(order, VenueStatus.OPEN, now_ns)
        self._take(order, intent.type == OrderType.MARKET, Liquidity.TAKER, now_ns)
        if not order.leaves:
            return _taken(intent)
        if intent.type == OrderType.LIMIT and intent.tif == TimeInForce.GTC:
            order.ahead = self.books.qty_at(order.instrument, order.side, order.price)
            self.resting[order.order_id] = order
        else:
            self._tell(order, VenueStatus.EXPIRED, now_ns, ExecutionCode.NOTHING_TO_TRADE.name)
        return _taken(intent)

    def cancel(self, order_id: str, now_ns: int) -> Answer:
        """Takes an order out of the book."""
        order = self.resting.pop(order_id, None)
        if order is None:
            return Answer(Verdict.REFUSED, code=ExecutionCode.CANCEL_TOO_LATE.name)
        self._tell(order, VenueStatus.CANCELLED, now_ns)
        return Answer(Verdict.TAKEN)

    def look_up(self, order_id: str) -> Seen | None:
        """An order in the book."""
        order = self.resting.get(order_id)
        return None if order is None else Seen(f"p{order_id}", VenueStatus.OPEN, order.filled, 0)

    def on_events(self, events: Events) -> None:
        """Feeds the live market; chunk-invariant."""
        if not self.resting:
            self.books.apply(events)
            return
        start = 0
        kinds, flags = events["kind"].tolist(), events["flags"].tolist()
        for at, kind in enumerate(kinds):
            if kind == Kind.TRADE:
                self.books.apply(events[start:at])
                start = at + 1
                self._on_trade(events[at])
            elif kind in (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT) and flags[at] & Flag.LAST:
                self.books.apply(events[start : at + 1])
                start = at + 1
                self._on_packet(int(events["instrument"][at]), int(events["ts_event"][at]))
        self.books.apply(events[start:])

    def _refusal(self, intent: Intent, position: int) -> ExecutionCode | None:
        if intent.instrument not in self._rules:
            return ExecutionCode.INTENT_INVALID
        best = self.books.best(intent.instrument)
        if not best.proved:
            return ExecutionCode.NO_MARKET
        far = best.ask if intent.side == Side.BUY else best.bid
        crosses = far > 0 and _reaches(intent.side, intent.price, far)
        if intent.post_only and crosses:
            return ExecutionCode.WOULD_TAKE
        if intent.reduce_only and (position * intent.sign >= 0 or intent.qty > abs(position)):
            return ExecutionCode.REDUCE_ONLY_REJECTED
        if intent.tif == TimeInForce.FOK and self._available(intent) < intent.qty:
            return ExecutionCode.NOTHING_TO_TRADE
        return None

    def _available(self, intent: Intent) -> int:
        return sum(
            qty for price, qty in self._levels(intent.instrument, intent.side)
            if intent.type == OrderType.MARKET or _reaches(intent.side, intent.price, price)
        )

    def _levels(self, instrument: int, side: Side) -> list[tuple[int, int]]:
        """What an order of that side could take, best first: displayed less what we took already."""
        other = Side.SELL if side == Side.BUY else Side.BUY
        levels = []
        for price, displayed in self.books.depth(instrument, other, _TAKE_LEVELS).tolist():
            taken = self._taken.get((instrument, other, price))
            used = taken.qty if taken is not None and taken.displayed == displayed else 0
            levels.append((price, displayed - used))
        return levels

    def _take(self, order: Resting, market: bool, liquidity: Liquidity, now_ns: int) -> None:
        other = Side.SELL if order.side == Side.BUY else Side.BUY
        for price, available in self._levels(order.instrument, order.side):
            if not order.leaves or not (market or _reaches(order.side, order.price, price)):
                return
            qty = min(available, order.leaves)
            if qty <= 0:
                continue
            displayed = self.books.qty_at(order.instrument, other, price)
            key = order.instrument, other, price
            taken = self._taken.get(key)
            if taken is None or taken.displayed != displayed:
                taken = self._taken[key] = _Taken(displayed, 0)
            taken.qty += qty
            self._fill(order, order.price if liquidity is Liquidity.MAKER else price, qty, liquidity, now_ns)

    def _on_trade(self, trade: Events) -> None:
        instrument, price, left = int(trade["instrument"]), int(trade["price"]), int(trade["qty"])
        ours = Side.BUY if trade["side"] == Side.SELL else Side.SELL
        hit = [o for o in self.resting.values() if o.instrument == instrument and o.side == ours and o.ahead >= 0]
        hit = [order for order in hit if _reaches(ours, order.price, price)]
        hit.sort(key=lambda order: -order.price if ours == Side.BUY else order.price)  # stable: then by arrival
        for order in hit:
            if order.price == price:
                waited = min(left, order.ahead)
                order.ahead -= waited
                left -= waited
            qty = min(left, order.leaves)
            if qty > 0:
                left -= qty
                self._fill(order, order.price, qty, Liquidity.MAKER, int(trade["ts_event"]))

    def _on_packet(self, instrument: int, ts_event: int) -> None:
        if self.books.status(instrument) != BookStatus.LIVE:
            return
        for order in [order for order in self.resting.values() if order.instrument == instrument]:
            displayed = self.books.qty_at(instrument, order.side, order.price)
            order.ahead = displayed if order.ahead < 0 else min(order.ahead, displayed)
            self._take(order, market=False, liquidity=Liquidity.MAKER, now_ns=ts_event)

    def _fill(self, order: Resting, price: int, qty: int, liquidity: Liquidity, ts_event: int) -> None:
        life, rules = self._instruments[order.instrument], self._rules[order.instrument]
        ppm = rules.maker_fee_ppm if liquidity is Liquidity.MAKER else rules.taker_fee_ppm
        value = abs(self._valuations[order.instrument].value(price, qty))
        order.leaves -= qty
        order.filled += qty
        if not order.leaves:
            self.resting.pop(order.order_id, None)
        self._hear_fill(VenueFill(
            f"{order.order_id}.{order.filled}", order.instrument, order.side, price, qty,
            round_ratio(value * ppm, _PPM_OF_MONEY), life.settle or life.quote, liquidity, ts_event,
            f"p{order.order_id}", order.order_id,
        ))

    def _tell(self, order: Resting, status: VenueStatus, now_ns: int, detail: str = "") -> None:
        self._hear_order(order.order_id, Seen(f"p{order.order_id}", status, order.filled, now_ns, (), detail))


def _reaches(side: Side, limit: int, price: int) -> bool:
    """Whether an order with that limit may trade at the price."""
    return price <= limit if side == Side.BUY else price >= limit


def _taken(intent: Intent) -> Answer:
    return Answer(Verdict.TAKEN, venue_order_id=f"p{intent.order_id}")

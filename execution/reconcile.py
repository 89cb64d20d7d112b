"""Reconciliation: pure functions of (our order, what the venue says, now) that give the events still missing.

1. Only the venue's proof ends an order: silence and failed queries give no event at all.
2. "Not found" is proof only for an order never seen there, and only when its request can no longer arrive.
3. Fills come before the end: an order is not cancelled here while the venue has fills that we have not.
4. The same sighting twice gives events once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from execution.errors import ExecutionCode
from ledger.intent import TimeInForce
from ledger.order import CLOSED, Liquidity, Order, OrderEvent, OrderEventKind, OrderState
from market.events import Side


class VenueStatus(Enum):
    """An order's state in the venue's own record."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class VenueFill:
    """A trade of our account, from the venue."""

    trade_id: str
    instrument: int
    side: Side
    price: int
    qty: int
    fee: int               # 10^-8 of fee_asset
    fee_asset: str
    liquidity: Liquidity
    ts_event: int
    venue_order_id: str
    client_order_id: str = ""  # ours, where the venue repeats it in its trades


@dataclass(frozen=True, slots=True)
class Seen:
    """The venue has the order."""

    venue_order_id: str
    status: VenueStatus
    filled: int            # total, by the venue's own count
    ts_event: int
    fills: Sequence[VenueFill] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The venue answered, and has no such order."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The venue did not answer, or not in a way that could be understood."""

    detail: str


Sighting = Seen | NotFound | Unreachable

_ENDS = {
    VenueStatus.CANCELLED: (OrderEventKind.CANCELLED, ""),
    VenueStatus.EXPIRED: (OrderEventKind.EXPIRED, ""),
    VenueStatus.REJECTED: (OrderEventKind.REJECTED, ExecutionCode.VENUE_REJECTED.name),
}


Knows = Callable[[int, str], bool]  # whether the trade (instrument, trade id) is booked


def order_events(
    order: Order, sighting: Sighting, knows: Knows, *, now_ns: int, arrives_until_ns: int
) -> list[OrderEvent]:
    """The events between our view of an order and the venue's, in the order they happened.

    `arrives_until_ns` is when the last request for the order can no longer reach the venue.
    """
    if isinstance(sighting, Unreachable):
        return []
    order_id = order.intent.order_id
    if isinstance(sighting, NotFound):
        never_seen = _base(order) == OrderState.SUBMITTED and not order.filled
        if never_seen and order.is_open and now_ns > arrives_until_ns:
            return [OrderEvent(OrderEventKind.REJECTED, order_id, now_ns, code=ExecutionCode.NEVER_ARRIVED.name)]
        return []
    events: list[OrderEvent] = []
    if _base(order) in (OrderState.RELEASED, OrderState.SUBMITTED) and sighting.status is not VenueStatus.REJECTED:
        events.append(OrderEvent(
            OrderEventKind.ACCEPTED, order_id, sighting.ts_event, venue_order_id=sighting.venue_order_id
        ))
    fresh = _fresh(sighting.fills, knows)
    events += [fill_event(order_id, fill) for fill in fresh]
    filled = order.filled + sum(fill.qty for fill in fresh)
    whole = filled >= order.intent.qty  # its last fill was its end, whatever the venue calls it
    if sighting.status in _ENDS and order.state not in CLOSED and filled == sighting.filled and not whole:
        kind, code = _ENDS[sighting.status]
        if filled and kind == OrderEventKind.REJECTED:  # what has traded was taken, whatever the venue calls it
            kind = OrderEventKind.CANCELLED
        wished = order.code if order.state == OrderState.PENDING_CANCEL else ""
        ended_by_itself = order.intent.tif in (TimeInForce.IOC, TimeInForce.FOK)
        reason = sighting.detail or code or wished
        if not reason and ended_by_itself:
            reason = ExecutionCode.NOTHING_TO_TRADE.name
        events.append(OrderEvent(
            kind, order_id, sighting.ts_event, venue_order_id=sighting.venue_order_id, code=reason
        ))
    return events


def settled(order: Order, sighting: Sighting, events: Sequence[OrderEvent]) -> bool:
    """Whether, with `events`, we know all that this sighting tells of the order; it may be older than our news."""
    if not isinstance(sighting, Seen):
        return bool(events)
    return sighting.filled <= order.filled + sum(event.qty for event in events if event.kind == OrderEventKind.FILL)


def fill_event(order_id: str, fill: VenueFill) -> OrderEvent:
    """The event of a fill."""
    return OrderEvent(
        OrderEventKind.FILL, order_id, fill.ts_event, venue_order_id=fill.venue_order_id, trade_id=fill.trade_id,
        price=fill.price, qty=fill.qty, fee=fill.fee, fee_asset=fill.fee_asset, liquidity=fill.liquidity,
        instrument=fill.instrument, side=fill.side,
    )


def foreign_fills(fills: Iterable[VenueFill], ours: Collection[tuple[int, str]], knows: Knows) -> list[OrderEvent]:
    """Fills of orders that we never made, as external fills, oldest first.

    `ours` are the orders we know, as (instrument, venue order id).
    """
    strange = [fill for fill in fills if (fill.instrument, fill.venue_order_id) not in ours]
    return [fill_event(f"venue-{fill.venue_order_id}", fill) for fill in _fresh(strange, knows)]


def opening_event(instrument: int, qty: int, entry_price: int, now_ns: int) -> OrderEvent:
    """A position that the account held before we first met it, as one external fill at its entry price."""
    side = Side.BUY if qty > 0 else Side.SELL
    return OrderEvent(
        OrderEventKind.FILL, "opening", now_ns, trade_id=f"opening-{instrument}", price=entry_price, qty=abs(qty),
        instrument=instrument, side=side,
    )


def position_differences(ours: Mapping[int, int], venue: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """`(instrument, our quantity, the venue's)` wherever they differ; a missing one counts as flat."""
    instruments = sorted(ours.keys() | venue.keys())
    pairs = [(i, ours.get(i, 0), venue.get(i, 0)) for i in instruments]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _base(order: Order) -> OrderState:
    return order.beneath if order.state in (OrderState.PENDING_CANCEL, OrderState.PENDING_UPDATE) else order.state


def _fresh(fills: Iterable[VenueFill], knows: Knows) -> list[VenueFill]:
    """Fills not booked yet, each once, oldest first."""
    fresh = {(fill.instrument, fill.trade_id): fill for fill in fills if not knows(fill.instrument, fill.trade_id)}
    return sorted(fresh.values(), key=lambda fill: (fill.ts_event, fill.trade_id))

"""The order state machine: one table, every pair of state and event either legal or an explicit error.

A pending cancel or update is laid over the state beneath: news that comes meanwhile moves the state
beneath, and a refusal brings it back. A fill after the end is taken, because the exposure is real.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import msgspec

from infra.errors import TickhouseError
from ledger.errors import LedgerCode
from ledger.intent import Intent
from market.events import Side


class OrderState(IntEnum):
    """Where an order stands."""

    INITIALISED = 0
    DENIED = 1            # never sent: refused by us
    RELEASED = 2          # journaled and handed to the gateway
    SUBMITTED = 3         # the gateway has tried to send it
    ACCEPTED = 4
    REJECTED = 5          # the venue proved that it did not take it
    TRIGGERED = 6
    PENDING_UPDATE = 7
    PENDING_CANCEL = 8
    PARTIALLY_FILLED = 9
    FILLED = 10
    CANCELLED = 11
    EXPIRED = 12


class OrderEventKind(IntEnum):
    """What happened to an order."""

    DENIED = 0
    RELEASED = 1
    SUBMITTED = 2
    ACCEPTED = 3
    REJECTED = 4
    TRIGGERED = 5
    PENDING_UPDATE = 6
    UPDATED = 7
    UPDATE_REJECTED = 8
    PENDING_CANCEL = 9
    CANCEL_REJECTED = 10
    CANCELLED = 11
    EXPIRED = 12
    FILL = 13


class Liquidity(IntEnum):
    """Which side of the trade we were."""

    NONE = 0
    MAKER = 1
    TAKER = 2


class OrderEvent(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="order"):
    """One thing that happened to one order; fields that do not apply are 0 or empty."""

    kind: OrderEventKind
    order_id: str
    ts_event: int                # ns, at the venue where it says so
    venue_order_id: str = ""
    code: str = ""               # why, for denials, rejections, cancels
    trade_id: str = ""           # FILL: unique with (venue, instrument)
    price: int = 0               # FILL: of the trade; UPDATED: the new one
    qty: int = 0                 # FILL: of the trade; UPDATED: the new total
    fee: int = 0                 # 10^-8 of fee_asset; negative is a rebate
    fee_asset: str = ""
    liquidity: Liquidity = Liquidity.NONE
    instrument: int = 0          # a fill of an order that is not ours (made by hand at the venue) brings
    side: Side = Side.NONE       # its own instrument and side


_S, _K = OrderState, OrderEventKind
_CLOSED_LATE = {_K.FILL: None, _K.CANCEL_REJECTED: None, _K.UPDATE_REJECTED: None}  # None: the state stays
_PENDING = {_K.PENDING_CANCEL: _S.PENDING_CANCEL, _K.PENDING_UPDATE: _S.PENDING_UPDATE}
_OPEN = _PENDING | {
    _K.CANCELLED: _S.CANCELLED, _K.EXPIRED: _S.EXPIRED, _K.REJECTED: _S.REJECTED, _K.FILL: _S.PARTIALLY_FILLED,
}
_OVERLAY = {
    _K.SUBMITTED: None, _K.ACCEPTED: None, _K.TRIGGERED: None, _K.FILL: None, _K.DENIED: _S.DENIED,
    _K.CANCELLED: _S.CANCELLED, _K.EXPIRED: _S.EXPIRED, _K.REJECTED: _S.REJECTED,
}

# The table. FILL names the state after a part; a fill that completes the order always leads to FILLED.
TRANSITIONS: Mapping[OrderState, Mapping[OrderEventKind, OrderState | None]] = MappingProxyType({
    _S.INITIALISED: {
        _K.DENIED: _S.DENIED, _K.RELEASED: _S.RELEASED,
        # orders made elsewhere enter here
        _K.ACCEPTED: _S.ACCEPTED, _K.REJECTED: _S.REJECTED, _K.CANCELLED: _S.CANCELLED, _K.EXPIRED: _S.EXPIRED,
        _K.TRIGGERED: _S.TRIGGERED, _K.FILL: _S.PARTIALLY_FILLED,
    },
    _S.RELEASED: {
        _K.DENIED: _S.DENIED, _K.SUBMITTED: _S.SUBMITTED, _K.CANCELLED: _S.CANCELLED, **_PENDING,
    },
    _S.SUBMITTED: _OPEN | {_K.ACCEPTED: _S.ACCEPTED, _K.TRIGGERED: _S.TRIGGERED},
    _S.ACCEPTED: _OPEN | {_K.TRIGGERED: _S.TRIGGERED},
    _S.TRIGGERED: _OPEN,
    _S.PARTIALLY_FILLED: {kind: state for kind, state in _OPEN.items() if kind != _K.REJECTED},
    _S.PENDING_UPDATE: _OVERLAY | {
        _K.UPDATED: None, _K.UPDATE_REJECTED: None, _K.PENDING_CANCEL: _S.PENDING_CANCEL,
    },
    _S.PENDING_CANCEL: _OVERLAY | {_K.CANCEL_REJECTED: None, _K.UPDATED: None, _K.UPDATE_REJECTED: None},
    _S.DENIED: _CLOSED_LATE,
    _S.REJECTED: _CLOSED_LATE,
    _S.FILLED: _CLOSED_LATE,
    _S.CANCELLED: _CLOSED_LATE,
    _S.EXPIRED: _CLOSED_LATE,
})

CLOSED = frozenset({_S.DENIED, _S.REJECTED, _S.FILLED, _S.CANCELLED, _S.EXPIRED})
IN_FLIGHT = frozenset({_S.RELEASED, _S.SUBMITTED, _S.PENDING_UPDATE, _S.PENDING_CANCEL})
_OVERLAYS = (_S.PENDING_UPDATE, _S.PENDING_CANCEL)
_ENDS_OVERLAY = {
    _S.PENDING_CANCEL: (_K.CANCEL_REJECTED,), _S.PENDING_UPDATE: (_K.UPDATED, _K.UPDATE_REJECTED),
}
_NEWS_BENEATH = (_K.SUBMITTED, _K.ACCEPTED, _K.TRIGGERED)
_ALERTED_LATE = frozenset({_S.DENIED, _S.REJECTED, _S.EXPIRED, _S.FILLED})


def transition(state: OrderState, kind: OrderEventKind) -> OrderState | None:
    """The state after the event, None where it stays; ORDER_TRANSITION_ILLEGAL for every other pair."""
    row = TRANSITIONS[state]
    if kind not in row:
        raise TickhouseError(LedgerCode.ORDER_TRANSITION_ILLEGAL, state=state.name, event=kind.name)
    return row[kind]


class Order(msgspec.Struct):
    """An order as we know it; changed only by `apply`."""

    intent: Intent
    state: OrderState = OrderState.INITIALISED
    beneath: OrderState = OrderState.INITIALISED  # what a pending cancel or update lies over
    venue_order_id: str = ""
    qty: int = 0         # ordered; an update may change it
    price: int = 0
    filled: int = 0
    value: int = 0       # sum of price * qty of the fills
    ts_last: int = 0     # when we last heard of it, ns of our clock
    code: str = ""       # why it ended

    @property
    def is_open(self) -> bool:
        """Whether it can still trade, as far as we know."""
        return self.state not in CLOSED

    @property
    def leaves(self) -> int:
        """What may still trade: 0 once it has ended."""
        return 0 if self.state in CLOSED else max(self.qty - self.filled, 0)

    def apply(self, event: OrderEvent) -> LedgerCode | None:
        """Takes the event; gives an alert where the event is real but should not have been.

        ORDER_TRANSITION_ILLEGAL leaves the order as it was. The caller has already dropped repeated fills.
        """
        after = transition(self.state, event.kind)
        if event.kind == OrderEventKind.FILL:
            return self._fill(event, after)
        if self.state in _OVERLAYS:
            if event.kind in _ENDS_OVERLAY[self.state]:
                after = self.beneath
            elif after is None and event.kind in _NEWS_BENEATH:
                self.beneath = transition(self.beneath, event.kind) or self.beneath
        elif after in _OVERLAYS:
            self.beneath = self.state
        if event.venue_order_id:
            self.venue_order_id = event.venue_order_id
        if event.kind == OrderEventKind.UPDATED:
            self.price, self.qty = event.price or self.price, event.qty or self.qty
        if after is not None:
            self.state = after
        if event.code:
            self.code = event.code
        return None

    def _fill(self, event: OrderEvent, after: OrderState | None) -> LedgerCode | None:
        late = self.state in _ALERTED_LATE
        if event.venue_order_id:
            self.venue_order_id = event.venue_order_id
        self.filled += event.qty
        self.value += event.price * event.qty
        if self.filled >= self.qty:
            self.state = OrderState.FILLED
        elif after is not None:
            self.state = after
        elif self.state in _OVERLAYS:
            self.beneath = OrderState.PARTIALLY_FILLED
        if self.filled > self.qty:
            return LedgerCode.ORDER_OVERFILLED
        return LedgerCode.ORDER_FILL_AFTER_END if late else None


def new_order(intent: Intent) -> Order:
    """The order of an intent, initialised."""
    return Order(intent=intent, qty=intent.qty, price=intent.price, ts_last=intent.ts_decision)

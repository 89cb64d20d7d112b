"""An intent: an order we have decided on, as it is journaled and handed to a gateway."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from market.events import Side


class OrderType(IntEnum):
    """How the order names its price."""

    MARKET = 1
    LIMIT = 2


class TimeInForce(IntEnum):
    """How long it may rest."""

    GTC = 1  # until cancelled
    IOC = 2  # what trades at once, the rest is cancelled
    FOK = 3  # all at once or nothing


class Share(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one strategy contributed to a netted order: signed, 10^-qty_scale."""

    strategy: str
    qty: int


class Intent(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="intent"):
    """One order. Integers in the instrument's scales, times UTC ns of our wall clock."""

    order_id: str        # execution.order_id.make: also the client order id at the venue
    account: str
    portfolio: str
    instrument: int
    strategy: str        # "" where several strategies share it: see `shares`
    side: Side
    type: OrderType
    tif: TimeInForce
    price: int           # 0 for a market order
    qty: int             # positive
    reduce_only: bool
    post_only: bool
    ts_decision: int
    ttl_ns: int          # never sent once older than this; 0 is no limit
    decision_seq: int
    child: int
    cause: str = ""      # signal and model version it came from
    shares: tuple[Share, ...] = ()  # sums to the signed quantity; empty: all is `strategy`'s

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self.side == Side.BUY else -1

    def expired(self, now_ns: int) -> bool:
        """Whether it may no longer be sent."""
        return self.ttl_ns > 0 and now_ns > self.ts_decision + self.ttl_ns

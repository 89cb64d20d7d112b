"""The item of the flow: one wake-up on its way through the steps.

A step reads only what the batch carries and its own state, never another step's state: Bytewax may run a
step on the next batch before the step below has had this one, and a replay must see the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from market.events import Events, empty
from risk.level import RiskEvent
from signals.strategies.protocol import View
from signals.target import Target
from streaming.input_log import Input

NO_EVENTS: Events = empty(0)


class DeadLetter(NamedTuple):
    """A frame that no decoder understood."""

    ts: int
    reason: str
    frame: bytes


class Quote(NamedTuple):
    """The best prices of an instrument after this wake-up; 0 where that side is unknown."""

    instrument: int
    bid: int       # 10^-price_scale
    ask: int
    ts: int        # ns, when its bytes reached us
    proved: bool   # the feed is up, the trades have no gap and the book is proved right


class Prediction(NamedTuple):
    """One inference."""

    model: str
    version: int
    instrument: int
    ts_event: int
    seq: int
    value: float


class Ask(NamedTuple):
    """A request to the control process: REST belongs there."""

    what: str        # "snapshot" | "trades"
    instrument: int
    start: int = 0   # trades: id of the first one missing
    stop: int = 0    # trades: id of the first one that we have again
    since: int = 0   # trades: ns, not before


class Batch(msgspec.Struct):
    """One wake-up; each step fills its part."""

    ts: int
    inputs: list[Input]
    frames: int = 0                                          # decode
    first_recv: int = 0
    events: Events = NO_EVENTS
    dead: list[DeadLetter] = []
    quotes: list[Quote] = []        # track
    views: list[View] = []
    predictions: list[Prediction] = []
    asks: list[Ask] = []
    digest: int = 0                                          # running CRC-32 of all feature rows so far
    targets: list[Target] = []      # decide
    orders: list[bytes] = []        # trade: frames for the gateway
    order_ids: list[str] = []
    denied: int = 0
    fills: int = 0
    notes: list[RiskEvent] = []
    replies: list[bytes] = []       # answers for the control process
    reported: bool = False                                   # positions or orders changed
    reconnect: bool = False                                  # the gateway has to be greeted anew
    state: dict[str, Any] | None = None                      # positions and profit

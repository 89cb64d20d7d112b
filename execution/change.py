"""What changed in the account: for publishing, alerts, and the steps that follow."""

from __future__ import annotations

import msgspec

from execution.messages import CashMove
from infra.errors import ErrorCode
from ledger.intent import Share
from ledger.order import Order, OrderEvent


class Change(msgspec.Struct, frozen=True):
    """One thing that changed, for publishing and alerts."""

    ts: int
    event: OrderEvent | CashMove | None
    order: Order | None           # after the event
    code: ErrorCode | None = None  # set where somebody should look
    shares: tuple[Share, ...] = ()  # of a fill
    detail: str = ""


class Step(msgspec.Struct, frozen=True):
    """What a message led to."""

    changes: list[Change]
    send: list[bytes]             # frames for the gateway

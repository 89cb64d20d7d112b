"""What flow and gateway say to each other, and what both write into their journals.

One record is one message: an intent is encoded once, for the journal and for the socket.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from ledger.intent import Intent
from ledger.order import OrderEvent

VERSION = 2
PULSE_NS = 1_000_000_000  # a flow says so often that it still goes round


class CashKind(IntEnum):
    """Why cash moved other than by a fill."""

    DEPOSIT = 1     # also the balance an account begins with; negative: a withdrawal
    FUNDING = 2


class CashMove(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="cash"):
    """Cash that came or went; 10^-8 of the asset."""

    kind: CashKind
    ref: str             # unique with the kind: the venue's own id
    ts_event: int
    asset: str
    amount: int
    instrument: int = 0  # FUNDING: whose


class Report(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="report"):
    """One numbered piece of news from the gateway; numbers have no gaps, so a flow can resume."""

    number: int
    ts: int              # when the gateway knew, ns
    body: OrderEvent | CashMove


class Denied(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="denied"):
    """An intent that we ourselves refused; it was never handed on."""

    intent: Intent
    ts: int
    code: str


class Cancel(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="cancel"):
    """Flow to gateway: cancel this order."""

    order_id: str
    ts: int
    code: str = ""       # why, e.g. STALE_PRICE, HALTED


class Note(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="note"):
    """Something worth keeping in the journal that changes no order: a halt, a session's start."""

    ts: int
    kind: str
    detail: str


class Hello(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="hello"):
    """Flow to gateway, first: what the flow has journaled."""

    account: str
    last_report: int
    open_orders: list[str]
    version: int = VERSION


class Pulse(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="pulse"):
    """Flow to gateway, every PULSE_NS: an open connection does not prove that somebody is at work behind it."""


class Welcome(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="welcome"):
    """Gateway to flow: the missed reports follow, then a `Standing`."""

    account: str
    kind: str
    last_report: int
    unknown: list[str]   # open orders of the flow that never arrived here


class Refused(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="refused"):
    """Gateway to flow: no; the connection closes."""

    code: str
    detail: str


class Standing(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="record", tag="standing"):
    """Gateway to flow: how things stand after report `number`; sent after the welcome and at each change of ready."""

    number: int
    ts: int
    ready: bool          # every order settled and positions equal to the venue's
    code: str            # why not
    positions: list[tuple[int, int]]  # (instrument, signed quantity), flat ones left out
    open_orders: list[str]


Message = Intent | Cancel | Hello | Pulse | Welcome | Refused | Standing | Report
Entry = Intent | Denied | Cancel | Report | OrderEvent | Note

_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode
decode_message = msgspec.msgpack.Decoder(Message).decode
decode_entry = msgspec.msgpack.Decoder(Entry).decode

"""The order management system: every order of one account, from decision to end, rebuilt from the journal alone.

1. Nothing leaves before it is in the journal. 2. What the journal holds decides: `open` replays it and is where it was.
3. `on_message` is a pure function of state, message and time, so a replayed session gives the same frames.
4. Not `ready` until the gateway has stood to every order and position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from execution import journal
from execution.change import Change, Step
from execution.errors import ExecutionCode
from execution.journal import Journal, MemorySink, Sink
from execution.link import frame
from execution.messages import (
    Cancel,
    CashKind,
    Denied,
    Entry,
    Hello,
    Note,
    Refused,
    Report,
    Standing,
    Welcome,
    decode_entry,
    decode_message,
    encode,
)
from infra.errors import TickhouseError
from ledger.book import EXTERNAL, Book, Fill
from ledger.errors import LedgerCode
from ledger.intent import Intent, Share
from ledger.order import IN_FLIGHT, Order, OrderEvent, OrderEventKind, OrderState, new_order
from ledger.shares import Shares
from market.events import Side
from market.instrument import Instrument

__all__ = ["SETTLE_NS", "Change", "Oms", "Step"]

SETTLE_NS = 5_000_000_000  # an order in flight longer than this is unresolved


class Oms:
    """Orders, working quantities and the book of one account."""

    def __init__(self, account: str, instruments: Iterable[Instrument], sink: Sink) -> None:
        self.account = account
        self.ledger = Book(instruments)
        self.orders: dict[str, Order] = {}
        self.last_report = 0
        self.next_decision_seq = 1
        self.refused: Refused | None = None   # set when the gateway turned us away
        self._sink = sink
        self._open: dict[int, dict[str, Order]] = {}
        self._working: dict[int, int] = {}
        self._shares: dict[str, Shares] = {}   # of orders that several strategies share
        self._seen: set[tuple[int, str]] = set()
        self._standing: Standing | None = None
        self._mismatch = ""

    @classmethod
    def open(
        cls, folder: Path, instruments: Iterable[Instrument], account: str, *, fsync: bool = False
    ) -> Oms:
        """Locks the journal and rebuilds the account's state from it; JOURNAL_BUSY, JOURNAL_CORRUPT."""
        sink = Journal.open(folder, fsync=fsync)
        try:
            oms = cls(account, instruments, sink)
            oms._replay(record.payload for record in journal.read(folder))
        except BaseException:
            sink.close()
            raise
        return oms

    @classmethod
    def at(
        cls, folder: Path, instruments: Iterable[Instrument], account: str, seq: int, sink: Sink | None = None
    ) -> Oms:
        """The state after journal record `seq`, writing only to `sink`: where the replay of a session begins."""
        oms = cls(account, instruments, sink or MemorySink(seq))
        oms._replay(record.payload for record in journal.read(folder) if record.seq <= seq)
        return oms

    def close(self) -> None:
        """Closes the journal."""
        if isinstance(self._sink, Journal):
            self._sink.close()

    # What is

    @property
    def journal_seq(self) -> int:
        """Number of the last journal record."""
        return self._sink.seq

    @property
    def ready(self) -> bool:
        """Whether the gateway is connected, has settled everything, and its positions are ours."""
        return self._standing is not None and self._standing.ready and not self._mismatch

    def unresolved(self, now_ns: int) -> list[Order]:
        """Orders whose fate has been unknown for longer than SETTLE_NS: no new risk while there are any."""
        return [order for order in self.in_flight() if now_ns - order.ts_last > SETTLE_NS]

    def all_open(self) -> list[Order]:
        """Open orders of all instruments."""
        return [order for held in self._open.values() for order in held.values()]

    def in_flight(self) -> list[Order]:
        """Orders that the venue has not answered for."""
        return [order for order in self.all_open() if order.state in IN_FLIGHT]

    def position(self, instrument: int) -> int:
        """Signed quantity held."""
        return self.ledger.position(instrument)

    def working(self, instrument: int) -> int:
        """Signed quantity of open orders that may still trade."""
        return self._working.get(instrument, 0)

    def open_orders(self, instrument: int) -> Iterator[Order]:
        """Open orders of an instrument, oldest first."""
        return iter(self._open.get(instrument, {}).values())

    def knows_fill(self, instrument: int, trade_id: str) -> bool:
        """Whether this trade is booked."""
        return (instrument, trade_id) in self._seen

    def open_count(self) -> int:
        """How many orders are open."""
        return sum(map(len, self._open.values()))

    # What we do

    def submit(self, intent: Intent) -> bytes:
        """Journals the intent and gives the frame for the gateway; OMS_NOT_READY, ORDER_ID_USED."""
        if not self.ready:
            raise TickhouseError(ExecutionCode.OMS_NOT_READY, account=self.account, why=self.why_not_ready())
        if intent.order_id in self.orders:
            raise TickhouseError(LedgerCode.ORDER_ID_USED, order_id=intent.order_id)
        shares = Shares(intent) if intent.shares else None
        payload = encode(intent)
        self._sink.append(payload)
        self._release(intent, shares)
        return frame(payload)

    def deny(self, intent: Intent, code: str, now_ns: int) -> Change:
        """Journals an intent that risk refused."""
        denied = Denied(intent, now_ns, code)
        self._sink.append(encode(denied))
        return self._deny(denied)

    def cancel(self, order_id: str, now_ns: int, code: str = "") -> bytes:
        """Journals the wish and gives the frame; empty where a cancel is under way. ORDER_NOT_OPEN."""
        order = self.orders.get(order_id)
        if order is None or not order.is_open:
            raise TickhouseError(ExecutionCode.ORDER_NOT_OPEN, order_id=order_id)
        if order.state == OrderState.PENDING_CANCEL:
            return b""
        wish = Cancel(order_id, now_ns, code)
        payload = encode(wish)
        self._sink.append(payload)
        self._wish(wish)
        return frame(payload)

    def note(self, now_ns: int, kind: str, detail: str) -> None:
        """Journals something that changes no order."""
        self._sink.append(encode(Note(now_ns, kind, detail)))

    # What we hear

    def hello(self) -> bytes:
        """The frame to send first on every connection."""
        self.on_disconnect()
        open_ids = [order_id for held in self._open.values() for order_id in held]
        return frame(encode(Hello(self.account, self.last_report, open_ids)))

    def on_disconnect(self) -> None:
        """The gateway is gone: not ready until it stands to everything again."""
        self._standing, self.refused = None, None

    def on_message(self, payload: bytes, now_ns: int) -> Step:
        """Takes a message of the gateway; OMS_REPORT_GAP means: disconnect and say hello again."""
        try:
            message = decode_message(payload)
        except msgspec.DecodeError as error:
            raise TickhouseError(ExecutionCode.GATEWAY_BAD_MESSAGE, problem=error) from error
        if isinstance(message, Report):
            return Step(self.on_report(message), [])
        if isinstance(message, Welcome):
            return self._welcome(message, now_ns)
        if isinstance(message, Standing):
            return Step(self._stand(message), [])
        if isinstance(message, Refused):
            self.on_disconnect()
            self.refused = message
            return Step([], [])
        raise TickhouseError(ExecutionCode.GATEWAY_BAD_MESSAGE, message=type(message).__name__)

    def on_report(self, report: Report) -> list[Change]:
        """Journals a report and books it; one that we have is dropped, a gap is OMS_REPORT_GAP."""
        if report.number <= self.last_report:
            return []
        if report.number != self.last_report + 1:
            raise TickhouseError(ExecutionCode.OMS_REPORT_GAP, wanted=self.last_report + 1, found=report.number)
        self._sink.append(encode(report))
        return self._book(report)

    # Inside

    def forget_ended(self) -> None:
        """Drops what is known of ended orders: for an account that is only a rehearsal, and lives for ever."""
        self.orders = {order_id: order for order_id, order in self.orders.items() if order.is_open}
        self._shares = {order_id: shares for order_id, shares in self._shares.items() if order_id in self.orders}
        self._seen.clear()

    def _replay(self, payloads: Iterable[bytes]) -> None:
        for payload in payloads:
            entry = decode_entry(payload)
            self.replay(entry)

    def replay(self, entry: Entry) -> list[Change]:
        """Applies a journal record without writing it: recovery, and whoever ships the journal."""
        if isinstance(entry, Report):
            return self._book(entry)
        if isinstance(entry, Intent):
            order = self._release(entry, Shares(entry) if entry.shares else None)
            return [Change(entry.ts_decision, None, order)]
        if isinstance(entry, Denied):
            return [self._deny(entry)]
        if isinstance(entry, Cancel):
            return self._wish(entry)
        if isinstance(entry, OrderEvent):
            return [self._event(entry, entry.ts_event)]
        return []

    def _release(self, intent: Intent, shares: Shares | None) -> Order:
        order = new_order(intent)
        order.state = OrderState.RELEASED
        self.orders[intent.order_id] = order
        if shares is not None:
            self._shares[intent.order_id] = shares
        self._open.setdefault(intent.instrument, {})[intent.order_id] = order
        self._working[intent.instrument] = self._working.get(intent.instrument, 0) + intent.sign * intent.qty
        self.next_decision_seq = max(self.next_decision_seq, intent.decision_seq + 1)
        return order

    def _deny(self, denied: Denied) -> Change:
        intent = denied.intent
        order = new_order(intent)
        event = OrderEvent(OrderEventKind.DENIED, intent.order_id, denied.ts, code=denied.code)
        order.apply(event)
        self.orders[intent.order_id] = order
        self.next_decision_seq = max(self.next_decision_seq, intent.decision_seq + 1)
        return Change(denied.ts, event, order)

    def _wish(self, wish: Cancel) -> list[Change]:
        event = OrderEvent(OrderEventKind.PENDING_CANCEL, wish.order_id, wish.ts, code=wish.code)
        return [self._event(event, wish.ts)]

    def _book(self, report: Report) -> list[Change]:
        self.last_report = report.number
        body = report.body
        if isinstance(body, OrderEvent):
            return [self._event(body, report.ts)]
        if body.kind == CashKind.FUNDING:
            self.ledger.funding(body.instrument, body.asset, body.amount)
        else:
            self.ledger.deposit(body.asset, body.amount)
        return [Change(report.ts, body, None)]

    def _event(self, event: OrderEvent, ts: int) -> Change:
        order = self.orders.get(event.order_id)
        fill = event.kind == OrderEventKind.FILL
        if order is None:
            shares = self._external(event) if fill and event.instrument else ()
            return Change(ts, event, None, LedgerCode.ORDER_UNKNOWN, shares)
        instrument, sign = order.intent.instrument, order.intent.sign
        if fill:
            key = instrument, event.trade_id
            if key in self._seen:
                return Change(ts, None, order)
            self._seen.add(key)
        before = order.leaves
        try:
            code = order.apply(event)
        except TickhouseError as error:
            return Change(ts, event, order, error.code)
        order.ts_last = ts
        self._working[instrument] = self._working.get(instrument, 0) + sign * (order.leaves - before)
        if not order.is_open:
            self._open.get(instrument, {}).pop(event.order_id, None)
        if not fill:
            return Change(ts, event, order, code)
        shared, signed = self._shares.get(event.order_id), sign * event.qty
        shares = shared.take(signed) if shared is not None else (Share(order.intent.strategy, signed),)
        self.ledger.fill(Fill(
            instrument, order.intent.side, event.price, event.qty, event.fee, event.fee_asset, shares
        ))
        return Change(ts, event, order, code, shares)

    def _external(self, event: OrderEvent) -> tuple[Share, ...]:
        """Books a fill that no order of ours made: the exposure is real, whoever caused it."""
        key = event.instrument, event.trade_id
        if key in self._seen:
            return ()
        self._seen.add(key)
        shares = (Share(EXTERNAL, event.qty if event.side == Side.BUY else -event.qty),)
        self.ledger.fill(Fill(
            event.instrument, event.side, event.price, event.qty, event.fee, event.fee_asset, shares
        ))
        return shares

    def _welcome(self, welcome: Welcome, now_ns: int) -> Step:
        changes: list[Change] = []
        send: list[bytes] = []
        unknown = set(welcome.unknown)
        for order_id in welcome.unknown:
            order = self.orders.get(order_id)
            if order is None or not order.is_open:
                continue
            if order.state == OrderState.RELEASED and not order.intent.expired(now_ns):
                send.append(frame(encode(order.intent)))  # it never arrived: this is its first sending
                continue
            event = OrderEvent(OrderEventKind.DENIED, order_id, now_ns, code=ExecutionCode.INTENT_LOST.name)
            self._sink.append(encode(event))
            changes.append(self._event(event, now_ns))
        send.extend(
            frame(encode(Cancel(order.intent.order_id, now_ns)))
            for order in self.in_flight()
            if order.state == OrderState.PENDING_CANCEL and order.intent.order_id not in unknown
        )
        return Step(changes, send)

    def _stand(self, standing: Standing) -> list[Change]:
        self._standing = standing
        theirs = dict(standing.positions)
        ours = {i: held.qty for i, held in self.ledger.positions.items() if held.qty}
        wrong = [i for i in sorted(theirs.keys() | ours.keys()) if theirs.get(i, 0) != ours.get(i, 0)]
        self._mismatch = " ".join(f"instrument={i} ours={ours.get(i, 0)} venue={theirs.get(i, 0)}" for i in wrong)
        if not wrong:
            return []
        return [Change(standing.ts, None, None, ExecutionCode.POSITION_MISMATCH, detail=self._mismatch)]

    def why_not_ready(self) -> str:
        """The reason in a word or two; empty when ready."""
        if self.refused is not None:
            return f"{self.refused.code} {self.refused.detail}"
        if self._standing is None:
            return "no gateway"
        if not self._standing.ready:
            return self._standing.code
        return self._mismatch

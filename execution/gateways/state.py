"""The gateway's memory: its own journal, and the view of every order that follows from it.

The view is the same `Oms` that the flow has, reading the same kinds of record, so both sides agree by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from execution import journal
from execution.errors import ExecutionCode
from execution.journal import Journal, MemorySink
from execution.messages import Cancel, CashMove, Note, Report, Standing, decode_entry, encode
from execution.oms import Change, Oms
from infra.errors import TickhouseError
from ledger.intent import Intent
from ledger.order import Order, OrderEvent, OrderEventKind
from market.instrument import Instrument, InstrumentKind

log = structlog.get_logger()


class GatewayState:
    """What was received, attempted and reported; every change is in the journal before anything else happens."""

    def __init__(self, account: str, instruments: Iterable[Instrument], folder: Path, identity: str = "") -> None:
        """`identity` says what the account is (kind, venue, sandbox or not) and may never change: ACCOUNT_CHANGED."""
        self.account = account
        self.folder = folder
        self.journal = Journal.open(folder)
        lives = list(instruments)
        self.view = Oms(account, lives, MemorySink())
        self._spot = {life.id for life in lives if life.kind == InstrumentKind.SPOT}
        self.attempted: dict[str, int] = {}     # order id: when its request left
        self.cash_refs: set[tuple[int, str]] = set()
        self.by_venue_id: dict[tuple[int, str], Order] = {}
        self.last_fill_ns = 0
        self.born_ns = 0   # our first report: what is older is in the opening balance and positions
        self.tell: Callable[[bytes], None] = lambda _payload: None
        self._report_at: list[int] = []         # journal record of each report
        was = ""
        for record in journal.read(folder):
            entry = decode_entry(record.payload)
            self.view.replay(entry)
            if isinstance(entry, Note) and entry.kind == "identity":
                was = entry.detail
            if isinstance(entry, Report):
                self._remember(entry, record.seq)  # after the view has it

        if was and identity and was != identity:
            self.journal.close()
            raise TickhouseError(ExecutionCode.ACCOUNT_CHANGED, account=account, was=was, now=identity)
        if identity and not was:
            self.journal.append(encode(Note(0, "identity", identity)))

    @property
    def last_report(self) -> int:
        """Number of the last report, 0 before the first."""
        return len(self._report_at)

    def receive(self, intent: Intent) -> bool:
        """Journals an intent; False for one that is here already."""
        if intent.order_id in self.view.orders:
            return False
        self.journal.append(encode(intent))
        self.view.replay(intent)
        return True

    def receive_cancel(self, cancel: Cancel) -> None:
        """Journals the wish to cancel."""
        self.journal.append(encode(cancel))
        self.view.replay(cancel)

    def report(self, body: OrderEvent | CashMove, now_ns: int) -> Change:
        """Numbers, journals and sends a piece of news."""
        report = Report(self.last_report + 1, now_ns, body)
        payload = encode(report)
        seq = self.journal.append(payload)
        (change,) = self.view.replay(report)
        self._remember(report, seq)
        if change.code is not None:
            log.warning("alert", code=change.code.name, report=report.number, body=body)
        self.tell(payload)
        return change

    def reports_after(self, number: int) -> Iterable[bytes]:
        """The encoded reports after `number`, from the journal."""
        if number >= self.last_report:
            return []
        records = journal.read(self.folder, self._report_at[number])
        return [record.payload for record in records if isinstance(decode_entry(record.payload), Report)]

    def knows_fill(self, instrument: int, trade_id: str) -> bool:
        """Whether this trade is booked."""
        return self.view.knows_fill(instrument, trade_id)

    def open_orders(self) -> list[Order]:
        """Orders that may still trade."""
        return self.view.all_open()

    def positions(self) -> dict[int, int]:
        """Signed quantity by instrument, flat ones left out."""
        return {i: held.qty for i, held in self.view.ledger.positions.items() if held.qty}

    def contracts(self) -> dict[int, int]:
        """Positions that the venue keeps as such; a spot holding is a balance, and fees are taken from it."""
        return {i: qty for i, qty in self.positions().items() if i not in self._spot}

    def standing(self, now_ns: int, why_not: str) -> Standing:
        """How things stand after the last report."""
        open_ids = [order.intent.order_id for order in self.open_orders()]
        return Standing(self.last_report, now_ns, not why_not, why_not, sorted(self.positions().items()), open_ids)

    def check_journal(self) -> None:
        """JOURNAL_GONE where somebody removed the files: what is written now would be lost."""
        if self.journal.removed:
            raise TickhouseError(ExecutionCode.JOURNAL_GONE, folder=self.folder)

    def close(self) -> None:
        """Closes the journal."""
        self.journal.close()

    def _remember(self, report: Report, seq: int) -> None:
        self._report_at.append(seq)
        self.born_ns = self.born_ns or report.ts
        body = report.body
        if isinstance(body, CashMove):
            self.cash_refs.add((int(body.kind), body.ref))
            return
        if body.kind == OrderEventKind.SUBMITTED:
            self.attempted[body.order_id] = report.ts
        elif body.kind == OrderEventKind.FILL:
            self.last_fill_ns = max(self.last_fill_ns, body.ts_event)
        order = self.view.orders.get(body.order_id)
        if order is not None and body.venue_order_id:
            self.by_venue_id[order.intent.instrument, body.venue_order_id] = order

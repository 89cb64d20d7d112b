from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from execution import order_id
from execution.errors import ExecutionCode
from execution.journal import read
from execution.link import Unframer
from execution.messages import (
    CashKind,
    CashMove,
    Refused,
    Report,
    Standing,
    Welcome,
    decode_entry,
    decode_message,
    encode,
)
from execution.oms import SETTLE_NS, Oms
from infra.errors import TickhouseError
from ledger.book import EXTERNAL
from ledger.errors import LedgerCode
from ledger.intent import Intent, Share
from ledger.order import OrderEvent, OrderEventKind, OrderState
from market.events import Side
from tests.execution.kit import BTC, ETH, intent

K, S = OrderEventKind, OrderState


def stand(oms: Oms, *, ready: bool = True, positions: list[tuple[int, int]] | None = None, code: str = "") -> None:
    held = [(i, p.qty) for i, p in oms.ledger.positions.items() if p.qty] if positions is None else positions
    oms.on_message(encode(Standing(oms.last_report, 0, ready, code, held, [])), 0)


def ready(tmp_path: Path) -> Oms:
    oms = Oms.open(tmp_path / "journal", [BTC, ETH], "main")
    stand(oms)
    return oms


def tell(oms: Oms, kind: K, order: str, qty: int = 0, **more: object) -> list:
    event = OrderEvent(kind, order, 9, qty=qty, price=1_000_000 if qty else 0, **more)
    return oms.on_report(Report(oms.last_report + 1, 9, event))


def test_order_ids_are_the_same_for_the_same_decision_and_fit_a_venue() -> None:
    one = order_id.make("main", 1, 7, 0)
    assert one == order_id.make("main", 1, 7, 0)
    parts = [("main", 1, 7, 1), ("main", 1, 8, 0), ("main", 2, 7, 0), ("b", 1, 7, 0)]
    others = {order_id.make(*part) for part in parts}
    assert len(others | {one}) == 5
    assert len(one) <= 32
    assert one.isalnum()
    assert one == one.lower()


def test_an_intent_is_in_the_journal_when_its_frame_exists_and_both_are_the_same_bytes(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    sent = intent(1)
    frame = oms.submit(sent)
    (record,) = read(tmp_path / "journal")
    assert Unframer().feed(frame) == [record.payload]
    assert decode_message(record.payload) == sent
    assert oms.working(1) == 10
    assert oms.orders[sent.order_id].state == S.RELEASED


def test_nothing_is_sent_while_not_ready(tmp_path: Path) -> None:
    oms = Oms.open(tmp_path, [BTC], "main")
    for prepare, why in [
        (lambda: None, "no gateway"),
        (lambda: stand(oms, ready=False, code="ORDERS_UNSETTLED"), "ORDERS_UNSETTLED"),
        (lambda: stand(oms, positions=[(1, 5)]), "instrument=1 ours=0 venue=5"),
        (lambda: oms.on_message(encode(Refused("ACCOUNT_BUSY", "x")), 0), "ACCOUNT_BUSY x"),
        (oms.hello, "no gateway"),
    ]:
        prepare()
        with pytest.raises(TickhouseError) as caught:
            oms.submit(intent(1))
        assert caught.value.code is ExecutionCode.OMS_NOT_READY
        assert caught.value.context["why"] == why
        assert oms.journal_seq == 0


def test_the_same_decision_twice_is_refused(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    oms.submit(intent(1))
    with pytest.raises(TickhouseError) as caught:
        oms.submit(intent(1))
    assert caught.value.code is LedgerCode.ORDER_ID_USED
    assert oms.journal_seq == 1


def test_reports_are_booked_once_and_in_order(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    sent = intent(1)
    oms.submit(sent)
    tell(oms, K.SUBMITTED, sent.order_id)
    again = Report(1, 9, OrderEvent(K.SUBMITTED, sent.order_id, 9))
    assert oms.on_report(again) == []
    with pytest.raises(TickhouseError) as caught:
        oms.on_report(Report(3, 9, OrderEvent(K.ACCEPTED, sent.order_id, 9)))
    assert caught.value.code is ExecutionCode.OMS_REPORT_GAP
    tell(oms, K.ACCEPTED, sent.order_id)
    tell(oms, K.FILL, sent.order_id, 4, trade_id="1")
    tell(oms, K.FILL, sent.order_id, 4, trade_id="1")  # the same trade under a new number
    assert (oms.position(1), oms.working(1)) == (4, 6)


def test_a_fill_of_an_order_that_is_not_ours_goes_to_the_external_book(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    (change,) = tell(oms, K.FILL, "by-hand", 3, trade_id="9", instrument=2, side=Side.SELL)
    assert change.code is LedgerCode.ORDER_UNKNOWN
    assert oms.position(2) == -3
    assert dict(oms.ledger.strategies(2))[EXTERNAL].qty == -3
    assert tell(oms, K.FILL, "by-hand", 3, trade_id="9", instrument=2, side=Side.SELL)[0].shares == ()
    assert oms.position(2) == -3


def test_an_impossible_event_is_recorded_and_left_out(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    sent = intent(1)
    oms.submit(sent)
    (change,) = tell(oms, K.TRIGGERED, sent.order_id)
    assert change.code is LedgerCode.ORDER_TRANSITION_ILLEGAL
    assert oms.orders[sent.order_id].state == S.RELEASED
    assert oms.last_report == 1


def test_a_denied_intent_is_never_sent_even_after_a_restart(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    refused = intent(1)
    oms.deny(refused, "POSITION_LIMIT", 7)
    oms.close()
    oms = ready(tmp_path)
    assert oms.orders[refused.order_id].state == S.DENIED
    assert (oms.working(1), oms.open_count(), oms.next_decision_seq) == (0, 0, 2)


def test_fills_are_allotted_to_the_strategies(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    sent = intent(1, qty=10, strategy="", shares=(Share("ml", 13), Share("momentum", -3)))
    oms.submit(sent)
    for qty, trade in ((3, "1"), (7, "2")):
        tell(oms, K.FILL, sent.order_id, qty, trade_id=trade)  # illegal from RELEASED until submitted
    assert oms.position(1) == 0
    tell(oms, K.SUBMITTED, sent.order_id)
    for qty, trade in ((3, "3"), (7, "4")):
        tell(oms, K.FILL, sent.order_id, qty, trade_id=trade)
    assert {name: sub.qty for name, sub in oms.ledger.strategies(1)} == {"ml": 13, "momentum": -3}


def test_cash_moves_are_booked(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    oms.on_report(Report(1, 9, CashMove(CashKind.DEPOSIT, "a", 9, "USDT", 5 * 10**8)))
    oms.on_report(Report(2, 9, CashMove(CashKind.FUNDING, "b", 9, "USDT", -(10**8), 1)))
    assert oms.ledger.cash == {"USDT": 4 * 10**18}


def test_orders_long_in_flight_are_unresolved(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    oms.submit(intent(1, now=1000))
    assert oms.unresolved(1000 + SETTLE_NS) == []
    assert [order.intent.decision_seq for order in oms.unresolved(1001 + SETTLE_NS)] == [1]


def test_the_welcome_resolves_intents_that_never_arrived(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    fresh, stale, wished, known = (intent(n, now=1_000 * n, ttl=500 if n == 2 else 10**9) for n in (1, 2, 3, 4))
    for sent in (fresh, stale, wished, known):
        oms.submit(sent)
    oms.cancel(wished.order_id, 5_000)
    oms.cancel(known.order_id, 5_000)
    oms.hello()
    unknown = [fresh.order_id, stale.order_id, wished.order_id]
    step = oms.on_message(encode(Welcome("main", "paper", 0, unknown)), 6_000)
    again = [decode_message(payload) for frame in step.send for payload in Unframer().feed(frame)]
    assert again[0] == fresh, "it never arrived, so this is its first sending"
    assert [message.order_id for message in again[1:]] == [known.order_id], "a cancel may have been lost: said again"
    assert oms.orders[stale.order_id].state == S.DENIED
    assert oms.orders[wished.order_id].state == S.DENIED
    assert oms.orders[stale.order_id].code == ExecutionCode.INTENT_LOST.name


def test_the_state_at_a_record_is_what_a_replay_begins_with(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    first, second = intent(1), intent(2)
    oms.submit(first)
    seq = oms.journal_seq
    oms.submit(second)
    past = Oms.at(tmp_path / "journal", [BTC, ETH], "main", seq)
    assert list(past.orders) == [first.order_id]
    stand(past)
    past.submit(second)
    assert past.journal_seq == oms.journal_seq
    assert len(list(read(tmp_path / "journal"))) == 2, "a replay writes nothing"


def test_garbage_is_refused_by_name(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    for garbage in (b"", b"\xff\xff", encode(intent(1)), encode(["nonsense", 1])):
        with pytest.raises(TickhouseError) as caught:
            oms.on_message(garbage, 0)
        assert caught.value.code is ExecutionCode.GATEWAY_BAD_MESSAGE


class OmsMachine(RuleBasedStateMachine):
    """Against a model that keeps only signed fills and leaves; crashing and reopening must change nothing."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.oms = Oms.open(self.folder, [BTC, ETH], "main")
        stand(self.oms)
        self.seq = 0
        self.trades = 0
        self.number = 0
        self.open: dict[str, tuple[Intent, int]] = {}   # what may still trade
        self.accepted: set[str] = set()
        self.ended: list[Intent] = []
        self.position = {1: 0, 2: 0}
        self.told: list[Report] = []

    @rule(side=st.sampled_from([Side.BUY, Side.SELL]), qty=st.integers(1, 9), instrument=st.sampled_from([1, 2]))
    def submit(self, side: Side, qty: int, instrument: int) -> None:
        self.seq += 1
        made = intent(self.seq, side, qty, instrument=instrument, now=1)
        self.oms.submit(made)
        self.open[made.order_id] = made, qty
        self.tell(OrderEvent(K.SUBMITTED, made.order_id, 1))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        made, left = data.draw(st.sampled_from(list(self.open.values())))
        qty = data.draw(st.integers(1, left))
        self.book(made, qty)
        if qty == left:
            del self.open[made.order_id]
            self.ended.append(made)
        else:
            self.open[made.order_id] = made, left - qty

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def late_fill(self, data: st.DataObject) -> None:
        self.book(data.draw(st.sampled_from(self.ended)), 1)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), kind=st.sampled_from([K.CANCELLED, K.EXPIRED]))
    def end(self, data: st.DataObject, kind: K) -> None:
        made, _ = self.open.pop(data.draw(st.sampled_from(list(self.open))))
        self.ended.append(made)
        self.tell(OrderEvent(kind, made.order_id, 1))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.oms.cancel(data.draw(st.sampled_from(list(self.open))), 2)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        assert self.oms.on_report(data.draw(st.sampled_from(self.told))) == []

    @rule()
    def crash(self) -> None:
        orders = {key: (o.state, o.filled, o.leaves) for key, o in self.oms.orders.items()}
        cash = dict(self.oms.ledger.cash)
        self.oms.close()
        self.oms = Oms.open(self.folder, [BTC, ETH], "main")
        assert {key: (o.state, o.filled, o.leaves) for key, o in self.oms.orders.items()} == orders
        assert (self.oms.ledger.cash, self.oms.last_report) == (cash, self.number)
        assert self.oms.next_decision_seq == self.seq + 1
        stand(self.oms)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "oms"):
            return
        self.oms.ledger.check()
        for instrument in (1, 2):
            left = sum(i.sign * rest for i, rest in self.open.values() if i.instrument == instrument)
            assert self.oms.position(instrument) == self.position[instrument]
            assert self.oms.working(instrument) == left
        assert self.oms.open_count() == len(self.open)
        assert self.oms.ready

    def book(self, made: Intent, qty: int) -> None:
        self.trades += 1
        self.position[made.instrument] += made.sign * qty
        self.tell(OrderEvent(
            K.FILL, made.order_id, 1, trade_id=str(self.trades), price=10, qty=qty, fee=3, fee_asset="USDT"
        ))

    def tell(self, event: OrderEvent) -> None:
        self.number += 1
        report = Report(self.number, 1, event)
        self.told.append(report)
        self.oms.on_report(report)
        stand(self.oms)

    def teardown(self) -> None:
        if hasattr(self, "oms"):
            self.oms.close()
            shutil.rmtree(self.folder)


TestOmsMachine = OmsMachine.TestCase
TestOmsMachine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


def test_every_record_can_be_read_back(tmp_path: Path) -> None:
    oms = ready(tmp_path)
    oms.submit(intent(1))
    oms.note(1, "halt", "by hand")
    oms.deny(intent(2), "X", 1)
    oms.cancel(intent(1).order_id, 1)
    kinds = [type(decode_entry(record.payload)).__name__ for record in read(tmp_path / "journal")]
    assert kinds == ["Intent", "Note", "Denied", "Cancel"]

"""The desk and the server against a venue that follows a script: what it answers, and what it really did."""

from __future__ import annotations

import asyncio
import resource
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from execution.errors import ExecutionCode
from execution.gateways import universe
from execution.gateways.clock import watch_clock
from execution.gateways.desk import Desk
from execution.gateways.paper_port import PaperPort
from execution.gateways.port import Account, Answer, Ears, Verdict, listening
from execution.gateways.server import GatewayServer
from execution.gateways.state import GatewayState
from execution.gateways.universe import Universe
from execution.journal import read
from execution.link import Unframer, frame
from execution.messages import (
    Cancel,
    CashKind,
    CashMove,
    Hello,
    Message,
    Pulse,
    Refused,
    Report,
    Standing,
    Welcome,
    decode_message,
    encode,
)
from execution.reconcile import NotFound, Seen, Sighting, Unreachable, VenueFill, VenueStatus
from infra.errors import TickhouseError
from infra.metrics import Metrics
from infra.settings import Settings
from ledger.intent import Intent
from ledger.order import Liquidity, Order, OrderEvent, OrderEventKind, OrderState
from market.events import Side
from tests.execution.kit import BTC, ETH, RULES, intent

TAKEN = Answer(Verdict.TAKEN, venue_order_id="v")
UNKNOWN = Answer(Verdict.UNKNOWN, detail="timeout")


class ScriptedVenue:
    """Answers what it is told to; keeps what it was asked."""

    kind = "scripted"

    def __init__(self) -> None:
        self.arrival_window_ns = 200_000_000
        self.answers: list[Answer] = []
        self.sightings: dict[str, Sighting] = {}
        self.placed: list[str] = []
        self.cancelled: list[str] = []
        self.looked: list[str] = []
        self.positions: dict[int, int] = {}
        self.balances: dict[str, int] = {"USDT": 1000}
        self.fills: list[VenueFill] = []
        self.silent = False
        self.ahead_ns = 0
        self.ears: Ears | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def start(self, ears: Ears, open_orders: list[Order]) -> None:
        self.ears = ears

    async def stop(self) -> None:
        pass

    async def place(self, sent: Intent) -> Answer:
        self.placed.append(sent.order_id)
        await self.hold.wait()
        return self.answers.pop(0) if self.answers else TAKEN

    async def cancel(self, order: Order) -> Answer:
        self.cancelled.append(order.intent.order_id)
        await asyncio.sleep(0)
        return self.answers.pop(0) if self.answers else TAKEN

    async def look_up(self, order: Order) -> Sighting:
        self.looked.append(order.intent.order_id)
        await asyncio.sleep(0)
        return self.sightings.get(order.intent.order_id, Unreachable("no answer"))

    async def fills_since(self, since_ns: int) -> list[VenueFill] | None:
        return [fill for fill in self.fills if fill.ts_event >= since_ns]

    async def account(self) -> Account | None:
        return None if self.silent else Account(self.positions, {1: 600_000}, self.balances)

    async def venue_time(self) -> int | None:
        return None if self.silent else time.time_ns() + self.ahead_ns


def fill(trade: str, qty: int, order: str = "v", side: Side = Side.BUY) -> VenueFill:
    return VenueFill(trade, 1, side, 1_000_000, qty, 1, "USDT", Liquidity.TAKER, time.time_ns(), order)


class Bench:
    """A desk, its journal and its venue."""

    def __init__(self, folder: Path, venue: ScriptedVenue) -> None:
        self.venue = venue
        self.state = GatewayState("main", [BTC, ETH], folder)
        self.desk = Desk(self.state, venue)

    def order(self, sent: Intent) -> Order:
        return self.state.view.orders[sent.order_id]

    def events(self) -> list[str]:
        reports = [decode_message(payload) for payload in self.state.reports_after(0)]
        return [r.body.kind.name for r in reports if isinstance(r, Report) and isinstance(r.body, OrderEvent)]


async def until(condition: Callable[[], bool], patience_s: float = 5.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def bench(folder: Path, venue: ScriptedVenue | None = None) -> AsyncIterator[Bench]:
    made = Bench(folder, venue or ScriptedVenue())
    made.desk.start()
    try:
        yield made
    finally:
        made.venue.silent = True
        await made.desk.stop(0.0)
        made.state.close()



async def test_the_attempt_is_journaled_before_the_request_leaves(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        made.venue.hold.clear()
        sent = intent(1)
        made.desk.submit(sent)
        made.desk.submit(sent)
        await until(lambda: made.venue.placed == [sent.order_id])
        assert made.order(sent).state == OrderState.SUBMITTED
        *_, (_, last, _) = read(tmp_path)
        assert last == list(made.state.reports_after(0))[-1], "and the attempt is the journal's last word"
        made.venue.hold.set()
        await until(lambda: made.order(sent).state == OrderState.ACCEPTED)
        assert made.events() == ["SUBMITTED", "ACCEPTED"]


async def test_a_refusal_is_a_rejection(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        made.venue.answers = [Answer(Verdict.REFUSED, code="WOULD_TAKE")]
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.REJECTED)
        assert made.order(sent).code == "WOULD_TAKE"


async def test_an_old_intent_is_never_sent(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        sent = intent(1, now=1, ttl=5)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.DENIED)
        assert (made.order(sent).code, made.venue.placed) == ("INTENT_EXPIRED", [])


async def test_while_halted_nothing_is_sent(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        made.desk._halted = lambda: True
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.DENIED)
        assert (made.order(sent).code, made.venue.placed) == ("INTENT_HALTED", [])


async def test_an_unknown_outcome_stays_in_flight_until_the_venue_proves_that_it_took_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        made.venue.answers = [UNKNOWN]
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.desk.why_not == "ORDERS_UNSETTLED")
        await until(lambda: len(made.venue.looked) > 1)
        assert made.order(sent).state == OrderState.SUBMITTED, "a timeout never means rejected"
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.FILLED, 10, time.time_ns(), (fill("1", 10),))
        await until(lambda: made.order(sent).state == OrderState.FILLED)
        assert made.desk.why_not == ""
        assert made.venue.placed == [sent.order_id], "it was sent once"


async def test_an_unknown_outcome_is_proved_lost_only_when_it_can_no_longer_arrive(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        made.venue.answers = [UNKNOWN]
        sent = intent(1)
        made.venue.sightings[sent.order_id] = NotFound()
        made.venue.arrival_window_ns = 10**12
        made.desk.submit(sent)
        await until(lambda: len(made.venue.looked) > 1)
        assert made.order(sent).state == OrderState.SUBMITTED
        made.venue.arrival_window_ns = 0
        await until(lambda: made.order(sent).state == OrderState.REJECTED)
        assert made.order(sent).code == "NEVER_ARRIVED"


async def test_an_accepted_order_that_the_venue_denies_stops_trading(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.ACCEPTED)
        made.venue.sightings[sent.order_id] = NotFound()
        made.desk.on_reconnect()
        await until(lambda: made.desk.why_not == "ORDERS_UNSETTLED")
        assert made.order(sent).is_open


async def test_fills_heard_are_booked_once_and_missing_ones_fetched(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.ACCEPTED)
        first, second = fill("1", 4), fill("2", 6)
        for _ in range(2):
            made.desk.on_fill(first)
        made.desk.on_fill(fill("9", 1, order="somebody else's"))
        assert made.order(sent).filled == 4
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.FILLED, 10, 1, (first, second))
        made.desk.on_sighting(sent.order_id, Seen("v", VenueStatus.FILLED, 10, 1))
        made.desk.on_sighting("unknown", Seen("v", VenueStatus.FILLED, 10, 1))
        assert made.order(sent).filled == 4, "the sighting says that there is more, not what"
        await until(lambda: made.order(sent).state == OrderState.FILLED)


async def test_a_cancel_waits_for_the_placing_and_ends_by_the_venue_s_word(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        made.venue.hold.clear()
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.venue.placed != [])
        made.desk.cancel(Cancel(sent.order_id, 5, "STALE_PRICE"))
        await asyncio.sleep(0.02)
        assert made.venue.cancelled == []
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.CANCELLED, 0, 1)
        made.venue.hold.set()
        await until(lambda: made.order(sent).state == OrderState.CANCELLED)
        assert made.order(sent).code == "STALE_PRICE"


async def test_a_refused_cancel_of_an_open_order_brings_its_state_back(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.ACCEPTED)
        made.venue.answers = [Answer(Verdict.REFUSED)]
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.OPEN, 0, 1)
        made.desk.cancel(Cancel(sent.order_id, 5))
        await until(lambda: "CANCEL_REJECTED" in made.events())
        assert made.order(sent).state == OrderState.ACCEPTED


async def test_a_lost_cancel_is_asked_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await until(lambda: made.desk.why_not == "")
        sent = intent(1)
        made.desk.submit(sent)
        await until(lambda: made.order(sent).state == OrderState.ACCEPTED)
        made.venue.answers = [UNKNOWN]
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.OPEN, 0, 1)
        made.desk.cancel(Cancel(sent.order_id, 5))
        await until(lambda: len(made.venue.cancelled) > 1)
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.CANCELLED, 0, 1)
        await until(lambda: made.order(sent).state == OrderState.CANCELLED)


async def test_a_cancel_before_the_sending_is_a_cancel(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    venue.silent = True   # never started: what is received waits
    async with bench(tmp_path, venue) as made:
        sent = intent(1)
        made.desk.submit(sent)
        made.desk.cancel(Cancel(sent.order_id, 5, "HALTED"))
        venue.silent = False
        await until(lambda: made.order(sent).state == OrderState.CANCELLED)
        assert venue.placed == []


async def test_after_a_restart_what_was_attempted_is_looked_up_and_never_sent_again(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    venue.hold.clear()
    attempted, received, old = intent(1), intent(2), intent(3, now=1, ttl=5)
    state = GatewayState("main", [BTC, ETH], tmp_path)
    state.report(CashMove(CashKind.DEPOSIT, "x", 1, "USDT", 1), 1)
    for sent in (attempted, received, old):
        state.receive(sent)
    state.report(OrderEvent(OrderEventKind.SUBMITTED, attempted.order_id, 5), time.time_ns())
    state.close()   # as kill -9 leaves it: the journal is all there is
    venue.hold.set()
    venue.positions = {1: 10}
    async with bench(tmp_path, venue) as made:
        await until(lambda: len(venue.looked) > 1)
        assert (made.desk.why_not, venue.placed) == ("GATEWAY_NOT_READY", []), "looked up before anything is sent"
        venue.sightings[attempted.order_id] = Seen("w", VenueStatus.FILLED, 10, 1, (fill("1", 10, "w"),))
        await until(lambda: made.desk.why_not == "")
        await until(lambda: made.order(received).state == OrderState.ACCEPTED)
        assert venue.placed == [received.order_id], "it was never attempted, so this is its first sending"
        assert made.order(old).state == OrderState.DENIED
        assert made.state.positions() == {1: 10}


async def test_after_a_restart_nothing_is_ready_until_positions_agree(tmp_path: Path) -> None:
    venue, resting = ScriptedVenue(), intent(1)
    state = GatewayState("main", [BTC, ETH], tmp_path)
    state.receive(resting)
    for kind in (OrderEventKind.SUBMITTED, OrderEventKind.ACCEPTED):
        state.report(OrderEvent(kind, resting.order_id, 5, venue_order_id="v"), time.time_ns())
    state.receive_cancel(Cancel(resting.order_id, 6))
    state.close()
    venue.sightings[resting.order_id] = Seen("v", VenueStatus.OPEN, 0, 1)
    venue.positions = {1: 4}
    async with bench(tmp_path, venue) as made:
        await until(lambda: made.desk._check.mismatch)
        assert made.desk.why_not == "GATEWAY_NOT_READY", "though an order is in flight, positions are compared"
        venue.positions = {}
        await until(lambda: made.desk.why_not == "")
        await until(lambda: venue.cancelled == [resting.order_id])


async def test_the_first_meeting_takes_over_what_the_account_holds(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    venue.positions = {1: -3, 2: 0}
    async with bench(tmp_path, venue) as made:
        await until(lambda: made.desk.why_not == "")
        assert made.state.view.ledger.cash == {"USDT": 1000 * 10**10}
        assert made.state.positions() == {1: -3}
        assert made.state.view.ledger.positions[1].average_price == 600_000
        venue.fills = [VenueFill("0", 1, Side.SELL, 1, 3, 0, "USDT", Liquidity.TAKER, 1, "earlier")]
        venue.positions = {1: -5}
        venue.fills.append(fill("7", 2, "by hand", Side.SELL))
        await made.desk._compare()
        assert made.state.positions() == {1: -5}, "done by hand since: booked; before: in the opening position"
        assert made.desk.why_not == ""


async def test_a_position_that_nothing_explains_stops_trading(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    async with bench(tmp_path, venue) as made:
        await until(lambda: made.desk.why_not == "")
        venue.positions = {1: 4}
        await made.desk._compare()
        assert made.desk.why_not == "POSITION_MISMATCH"
        venue.silent = True
        await made.desk._compare()
        assert made.desk.why_not == "POSITION_MISMATCH", "silence changes nothing"
        venue.silent, venue.positions = False, {}
        await made.desk._compare()
        assert made.desk.why_not == ""


def test_an_account_is_what_it_was(tmp_path: Path) -> None:
    GatewayState("main", [BTC], tmp_path, "paper binance sandbox").close()
    GatewayState("main", [BTC], tmp_path, "paper binance sandbox").close()
    with pytest.raises(TickhouseError) as caught:
        GatewayState("main", [BTC], tmp_path, "ccxt binance live")
    assert caught.value.code is ExecutionCode.ACCOUNT_CHANGED
    GatewayState("main", [BTC], tmp_path, "paper binance sandbox").close()


def test_without_stores_and_without_a_copy_there_are_no_instruments(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(TickhouseError) as caught:
        universe.load(settings)
    assert caught.value.code is ExecutionCode.GATEWAY_NO_INSTRUMENTS
    known = universe.Universe([BTC, ETH], {1: RULES})
    universe.save(tmp_path / "run" / "instruments-binance.json", known)
    assert universe.load(settings) == known


class Peer:
    """A flow that says what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._unframer, self._held = Unframer(), []

    @classmethod
    async def connect(cls, path: Path, *messages: Message) -> Peer:
        made = cls(*await asyncio.open_unix_connection(str(path)))
        made.say(*messages)
        return made

    def say(self, *messages: Message) -> None:
        self.writer.write(b"".join(frame(encode(message)) for message in messages))

    async def hear(self) -> Message | None:
        while not self._held:
            data = await asyncio.wait_for(self.reader.read(1 << 16), 5)
            if not data:
                return None
            self._held += self._unframer.feed(data)
        return decode_message(self._held.pop(0))


@asynccontextmanager
async def served(tmp_path: Path, dead_man_s: float = 5.0) -> AsyncIterator[tuple[Bench, Path, GatewayServer]]:
    async with bench(tmp_path / "journal") as made:
        server = GatewayServer(made.state, made.desk, "scripted", dead_man_s=dead_man_s)
        path = tmp_path / "gateway.sock"
        await server.start(path)
        await until(lambda: made.desk.why_not == "")
        try:
            yield made, path, server
        finally:
            await server.stop()


async def test_a_flow_is_welcomed_resumed_and_told_how_things_stand(tmp_path: Path) -> None:
    async with served(tmp_path) as (made, path, _):
        made.desk.submit(intent(1))
        await until(lambda: made.events() == ["SUBMITTED", "ACCEPTED"])
        peer = await Peer.connect(path, Hello("main", 1, [intent(1).order_id, "lost"]))
        welcome, first, second, standing = [await peer.hear() for _ in range(4)]
        assert welcome == Welcome("main", "scripted", 3, ["lost"])
        assert isinstance(first, Report)
        assert isinstance(second, Report)
        assert (first.number, second.number) == (2, 3), "1 was the opening deposit"
        assert isinstance(standing, Standing)
        assert (standing.ready, standing.number, standing.open_orders) == (True, 3, [intent(1).order_id])
        peer.writer.close()


async def test_a_desk_whose_journal_was_removed_ends(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    async with bench(tmp_path / "journal") as made:
        made.desk.on_failure = failures.append
        await until(lambda: made.desk.why_not == "")
        shutil.rmtree(tmp_path / "journal")
        await until(lambda: failures != [])
    assert isinstance(failures[0], TickhouseError)
    assert failures[0].code is ExecutionCode.JOURNAL_GONE


async def test_a_second_flow_is_refused_while_the_first_is_there(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, path, server):
        first = await Peer.connect(path, Hello("main", 0, []))
        assert isinstance(await first.hear(), Welcome)
        second = await Peer.connect(path, Hello("main", 0, []))
        refused = await second.hear()
        assert isinstance(refused, Refused)
        assert refused.code == "ACCOUNT_BUSY"
        assert await second.hear() is None
        first.writer.close()
        await until(lambda: server._flow is None)
        third = await Peer.connect(path, Hello("main", 0, []))
        assert isinstance(await third.hear(), Welcome)
        third.writer.close()


async def test_whom_the_gateway_turns_away(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, path, _server):
        for hello, code in [
            (Hello("other", 0, []), "ACCOUNT_WRONG"),
            (Hello("main", 99, []), "GATEWAY_AHEAD"),
            (Hello("main", 0, [], version=0), "GATEWAY_BAD_MESSAGE"),
        ]:
            peer = await Peer.connect(path, hello)
            refused = await peer.hear()
            assert isinstance(refused, Refused)
            assert refused.code == code
        for nonsense in (intent(1), Welcome("main", "x", 0, [])):
            peer = await Peer.connect(path, nonsense)
            assert await peer.hear() is None, "an order from somebody who has not said hello is not taken"
        peer = await Peer.connect(path)
        peer.writer.write(b"\xff\xff\xff\xff\xff")
        assert await peer.hear() is None


async def test_when_the_flow_is_gone_working_orders_are_cancelled(tmp_path: Path) -> None:
    async with served(tmp_path, dead_man_s=0.1) as (made, path, server):
        peer = await Peer.connect(path, Hello("main", 0, []))
        assert isinstance(await peer.hear(), Welcome)
        sent = intent(1)
        peer.say(sent)
        await until(lambda: made.events() == ["SUBMITTED", "ACCEPTED"])
        await asyncio.sleep(0.2)
        assert made.venue.cancelled == []
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.CANCELLED, 0, 1)
        peer.writer.close()
        await until(lambda: made.order(sent).state == OrderState.CANCELLED)
        assert made.order(sent).code == "FLOW_GONE"
        assert server.orphaned.is_set()


async def test_a_flow_that_hangs_behind_an_open_connection_counts_as_gone(tmp_path: Path) -> None:
    async with served(tmp_path, dead_man_s=0.2) as (made, path, server):
        peer = await Peer.connect(path, Hello("main", 0, []))
        assert isinstance(await peer.hear(), Welcome)
        sent = intent(1)
        peer.say(sent)
        await until(lambda: made.events() == ["SUBMITTED", "ACCEPTED"])
        made.venue.sightings[sent.order_id] = Seen("v", VenueStatus.CANCELLED, 0, 1)
        for _ in range(12):  # three times as long as it may be silent
            await asyncio.sleep(0.1)
            peer.say(Pulse())
        assert made.venue.cancelled == []
        await until(lambda: made.order(sent).state == OrderState.CANCELLED)
        assert made.order(sent).code == "FLOW_GONE"
        assert server._flow is None
        again = await Peer.connect(path, Hello("main", 0, []))
        assert isinstance(await again.hear(), Welcome), "once it moves again it begins afresh"
        again.writer.close()


@contextmanager
def full_disk(state: GatewayState) -> Iterator[None]:
    """No file may grow beyond what the journal has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(file.stat().st_size for file in state.folder.glob("*.journal"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("how", ["intent", "cancel", "fill", "silence", "stop"])
async def test_on_a_full_disk_nothing_new_is_sent_and_cancels_go_out(tmp_path: Path, how: str) -> None:
    failures: list[BaseException] = []
    async with served(tmp_path, dead_man_s=0.1 if how == "silence" else 5.0) as (made, path, _):
        made.desk.on_failure = failures.append
        resting = intent(1)
        peer = await Peer.connect(path, Hello("main", 0, []), resting)
        await until(lambda: made.events() == ["SUBMITTED", "ACCEPTED"])
        with capture_logs(), full_disk(made.state):  # what tests log goes to a file, too
            if how == "intent":
                peer.say(intent(2))
            elif how == "cancel":
                peer.say(Cancel(resting.order_id, time.time_ns()))
            elif how == "fill":
                with pytest.raises(TickhouseError):
                    made.desk.on_fill(fill("1", 1))
            elif how == "silence":
                peer.writer.close()
            if how != "stop":
                await until(lambda: failures != [])
            await made.desk.stop(1.0)
        assert made.venue.placed == [resting.order_id]
        assert made.venue.cancelled == [resting.order_id]
        assert isinstance(failures[0], TickhouseError)
        assert failures[0].code is ExecutionCode.JOURNAL_WRITE_FAILED
        peer.writer.close()

    venue = ScriptedVenue()  # with space again
    venue.sightings[resting.order_id] = Seen("v", VenueStatus.CANCELLED, 0, 1)
    async with bench(tmp_path / "journal", venue) as after:
        await until(lambda: after.desk.why_not == "")
        assert after.order(resting).state == OrderState.CANCELLED
        assert venue.placed == []


async def test_a_port_that_goes_deaf_ends_the_gateway(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    async with bench(tmp_path) as made:
        made.desk.on_failure = failures.append

        async def deaf() -> None:
            raise ValueError("nobody expected this")

        listening(deaf(), made.desk)
        await until(lambda: failures != [])
    assert isinstance(failures[0], ValueError)


async def test_a_clock_that_is_behind_the_venue_s_is_said_once_and_shown() -> None:
    venue, metrics = ScriptedVenue(), Metrics("gateway")
    venue.ahead_ns = 1_500_000_000
    with capture_logs() as said:
        watch = asyncio.create_task(watch_clock(venue, metrics, 0.01))
        await until(lambda: said != [])
        await asyncio.sleep(0.05)
        venue.silent = True
        await asyncio.sleep(0.05)
        venue.silent, venue.ahead_ns = False, 0
        watch.cancel()
        watch = asyncio.create_task(watch_clock(venue, Metrics("gateway"), 0.01))
        await asyncio.sleep(0.05)
        watch.cancel()
    assert [(line["log_level"], line.get("code")) for line in said] == [("warning", "CLOCK_SKEW")]
    assert "ours=behind by_s=1.5" in said[0]["error"]
    assert "synchronise" in said[0]["error"]


async def test_a_new_paper_account_begins_with_the_deposit_that_is_set(tmp_path: Path) -> None:
    state = GatewayState("main", [BTC], tmp_path)
    port = PaperPort("binance", None, Universe([BTC], {}), state, deposit=25 * 10**7)
    assert (await port.account()) == Account({}, {}, {"USDT": 25 * 10**7})
    state.close()

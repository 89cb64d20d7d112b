"""kill -9 of the flow, of the gateway and of both: nothing is sent twice, nothing is lost, positions agree."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from execution import journal
from execution.link import Unframer, frame, gateway_journal, socket_path
from execution.messages import Hello, Refused, Report, decode_entry, decode_message, encode
from infra.settings import PROJECT
from ledger.intent import Intent, TimeInForce
from ledger.order import OrderEvent, OrderEventKind, OrderState
from market.events import Side
from tests.execution.kit import Flow, intent
from tests.faults.proxy import proxy
from tests.faults.venue import World, kill, world

pytestmark = pytest.mark.stack


def start_flow(place: World, price: int) -> subprocess.Popen[bytes]:
    files = [str(place.home.journal("main")), str(socket_path(place.home, "main")), str(price)]
    command = [sys.executable, "tests/faults/busy_flow.py", *files]
    child = subprocess.Popen(command, env=place.environment, cwd=PROJECT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def settle(place: World) -> Flow:
    """A flow that has recovered: ready, nothing in flight."""
    flow = place.flow()
    flow.until(lambda: flow.oms.ready and not flow.oms.in_flight(), 30)
    flow.oms.ledger.check()
    return flow


def attempts(place: World) -> Counter[str]:
    """How often the gateway tried to send each order, by its journal."""
    entries = [decode_entry(record.payload) for record in journal.read(gateway_journal(place.home, "main"))]
    return Counter(
        entry.body.order_id for entry in entries
        if isinstance(entry, Report) and isinstance(entry.body, OrderEvent)
        and entry.body.kind == OrderEventKind.SUBMITTED
    )


def intended(place: World) -> list[str]:
    entries = [decode_entry(record.payload) for record in journal.read(place.home.journal("main"))]
    return [entry.order_id for entry in entries if isinstance(entry, Intent)]


def test_killing_flow_and_gateway_on_paper(tmp_path: Path) -> None:
    chance = random.Random(1)
    with world(tmp_path, "paper") as place:
        gateway, price = place.start_gateway(), place.price()
        for turn in range(3):
            child = start_flow(place, price)
            time.sleep(chance.uniform(0.02, 0.4))  # the instant of death is the test's input, not a wait
            if turn == 1:
                kill(gateway)
                gateway = place.start_gateway()
            kill(child)
            assert child.stdout is not None
            child.stdout.close()
        flow = settle(place)
        tried = attempts(place)
        assert max(tried.values()) == 1, "nothing is sent twice"
        assert len(tried) > 5
        for order_id in intended(place):
            ours = flow.oms.orders[order_id]
            denied = ours.state == OrderState.DENIED and ours.code in ("INTENT_LOST", "INTENT_EXPIRED")
            assert order_id in tried or denied, ours
        assert len(set(intended(place))) == len(intended(place))
        for folder in (place.home.journal("main"), gateway_journal(place.home, "main")):
            assert journal.verify(folder).intact
        second_ones_are_refused(place, flow)
        resting = order(flow, flow.oms.next_decision_seq, Side.BUY, 5, price, rests=True)
        flow.until(lambda: flow.oms.orders[resting].state == OrderState.ACCEPTED)
        gateway.terminate()
        flow.until(lambda: not flow.oms.orders[resting].is_open)
        assert flow.oms.orders[resting].code == "GATEWAY_STOPPING", "on SIGTERM working orders are cancelled first"
        assert gateway.wait(20) == 0
        flow.close()
        flow.oms.close()


def second_ones_are_refused(place: World, flow: Flow) -> None:
    second = place.start_gateway()
    flow.until(lambda: second.poll() is not None)
    assert second.returncode == 2
    assert "GATEWAY_RUNNING account=main" in place.log()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.connect(str(socket_path(place.home, "main")))
        other.sendall(frame(encode(Hello("main", 0, []))))
        answer = b""
        while data := other.recv(1 << 16):
            answer += data
    (payload,) = Unframer().feed(answer)
    refused = decode_message(payload)
    assert isinstance(refused, Refused)
    assert refused.code == "ACCOUNT_BUSY"
    assert flow.oms.ready


def test_a_venue_that_cannot_be_heard_and_a_gateway_that_is_killed(tmp_path: Path) -> None:
    chance = random.Random(3)
    with world(tmp_path, "ccxt") as place, proxy(int(place.url.rsplit(":", 1)[1])) as between:
        place.reach(f"http://127.0.0.1:{between.port}")
        gateway = place.start_gateway()
        flow = place.flow()
        flow.until(lambda: flow.oms.ready, 60)
        price = place.price()

        between.cut = b"POST /fapi/v1/order "   # taken by the venue, the answer lost
        first = order(flow, 1, Side.BUY, 5, price)
        flow.until(lambda: between.cuts == 1)
        between.cut = b""
        # The fifth never arrives, which the venue proves only after a while.
        between.drop = b"newClientOrderId=" + intent(5).order_id.encode()
        flow.until(lambda: not flow.oms.orders[first].is_open and flow.oms.ready, 30)
        assert flow.oms.orders[first].state == OrderState.FILLED, "a cut never means rejected"

        for number in range(2, 9):
            side = Side.SELL if number % 3 == 2 else Side.BUY
            order(flow, number, side, 5 + number, price, rests=number == 6)
        time.sleep(chance.uniform(0.0, 0.02))    # the instant of death is the test's input
        kill(gateway)
        place.start_gateway()
        flow.until(lambda: flow.oms.ready and not flow.oms.in_flight(), 60)
        agree(place, flow)
        flow.close()
        flow.oms.close()


def order(flow: Flow, number: int, side: Side, qty: int, price: int, *, rests: bool = False) -> str:
    """Sends an order that trades at once, or one far away; its id."""
    away = 3 if rests else -1
    limit = price * (100 - away if side == Side.BUY else 100 + away) // 100
    made = intent(number, side, qty, limit, tif=TimeInForce.GTC if rests else TimeInForce.IOC)
    flow.send(flow.oms.submit(made))
    return made.order_id


def agree(place: World, flow: Flow) -> None:
    """The venue's own word against ours: orders, fills, position and cash."""
    venue = place.ask("/fapi/v1/allOrders", signed=True, symbol="BTCUSDT")
    assert max(Counter(row["clientOrderId"] for row in venue).values()) == 1, "nothing is sent twice"
    there = {row["clientOrderId"]: row for row in venue}
    for order_id in intended(place):
        ours = flow.oms.orders[order_id]
        if order_id in there:
            assert round(float(there[order_id]["executedQty"]) * 1000) == ours.filled
            assert (there[order_id]["status"] in ("NEW", "PARTIALLY_FILLED")) == ours.is_open
        else:
            assert not ours.is_open
            assert not ours.filled
    rows = place.ask("/fapi/v3/positionRisk", signed=True)
    held = sum(round(float(row["positionAmt"]) * 1000) for row in rows if row["symbol"] == "BTCUSDT")
    assert flow.oms.position(1) == held
    wallet = {row["asset"]: row["balance"] for row in place.ask("/fapi/v3/balance", signed=True)}["USDT"]
    assert flow.oms.ledger.cash["USDT"] == round(float(wallet) * 10**8) * 10**10
    flow.oms.ledger.check()

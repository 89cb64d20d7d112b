"""kill -9 of the flow, of the gateway and of both: nothing is sent twice, nothing is lost, positions agree."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from execution import journal
from execution.link import gateway_journal, socket_path
from execution.messages import Report, decode_entry
from infra.settings import PROJECT
from ledger.intent import Intent, TimeInForce
from ledger.order import OrderEvent, OrderEventKind, OrderState
from market.events import Side
from tests.execution.kit import Flow, intent
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


@pytest.mark.parametrize("seed", [1, 2])
def test_killing_flow_and_gateway_on_paper(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
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
            order = flow.oms.orders[order_id]
            denied = order.state == OrderState.DENIED and order.code in ("INTENT_LOST", "INTENT_EXPIRED")
            assert order_id in tried or denied, order
        assert len(set(intended(place))) == len(intended(place))
        for folder in (place.home.journal("main"), gateway_journal(place.home, "main")):
            assert journal.verify(folder).intact
        flow.close()
        flow.oms.close()
        gateway.terminate()
        assert gateway.wait(10) == 0


def test_killing_a_gateway_that_trades_at_a_venue(tmp_path: Path) -> None:
    chance = random.Random(3)
    with world(tmp_path, "ccxt") as place:
        gateway = place.start_gateway()
        flow = place.flow()
        flow.until(lambda: flow.oms.ready, 60)
        price = place.price()
        for number in range(6):
            side = Side.SELL if number % 3 == 2 else Side.BUY
            limit = price * (101 if side == Side.BUY else 99) // 100
            tif = TimeInForce.IOC
            if number == 4:  # one that rests
                limit, tif = price * 97 // 100, TimeInForce.GTC
            flow.send(flow.oms.submit(intent(number + 1, side, 5 + number, limit, tif=tif)))
            flow.step(0.0)
        time.sleep(chance.uniform(0.0, 0.01))  # the instant of death is the test's input
        kill(gateway)
        place.start_gateway()
        flow.until(lambda: flow.oms.ready and not flow.oms.in_flight(), 60)
        venue = place.ask("/fapi/v1/allOrders", signed=True, symbol="BTCUSDT")
        assert max(Counter(row["clientOrderId"] for row in venue).values(), default=1) == 1, "nothing is sent twice"
        there = {row["clientOrderId"]: row for row in venue}
        for order_id in intended(place):
            order = flow.oms.orders[order_id]
            if order_id in there:
                assert round(float(there[order_id]["executedQty"]) * 1000) == order.filled
            else:
                assert order.state in (OrderState.REJECTED, OrderState.DENIED), order
        rows = place.ask("/fapi/v3/positionRisk", signed=True)
        held = sum(round(float(row["positionAmt"]) * 1000) for row in rows if row["symbol"] == "BTCUSDT")
        assert flow.oms.position(1) == held
        wallet = {row["asset"]: row["balance"] for row in place.ask("/fapi/v3/balance", signed=True)}["USDT"]
        assert flow.oms.ledger.cash["USDT"] == round(float(wallet) * 10**8) * 10**10
        flow.oms.ledger.check()
        flow.close()
        flow.oms.close()


def test_a_second_gateway_and_a_second_flow_are_refused(tmp_path: Path) -> None:
    with world(tmp_path, "paper") as place:
        place.start_gateway()
        flow = settle(place)
        assert place.start_gateway().wait(30) == 2
        assert "GATEWAY_RUNNING account=main" in place.log()
        other = Flow(flow.oms, socket_path(place.home, "main"))
        other.connect()
        while other.step(1.0):
            pass
        flow.close()
        flow.oms.close()

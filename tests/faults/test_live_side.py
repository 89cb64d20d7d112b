"""kill -9 of everything round a flow that trades, one after the other: what comes back, and by which words it is told.

    killed       what happens                                                                     told by
    -----------  -------------------------------------------------------------------------------  --------------------
    redis        no new risk until it is back; quotes and positions are written anew              STORES_UNREACHABLE
    clickhouse   no new risk until it is back; ticks wait in memory, orders in the journal        STORES_UNREACHABLE
    sandbox      quotes go stale: no orders; reconnects, asks for the missed trades, goes on      log: feed up, down
    publisher    no new risk; the flow starts it again, it ships the journal from where it was    log: side process died
    control      the flow starts it again; a halt reaches the flow as before                      log: side process died
    gateway      orders stay in flight; the flow starts it again and settles them, nothing twice  OMS_NOT_READY
    flow         within ten seconds working orders are cancelled and the side processes end       exit code -9

That the next flow recovers from a killed one, with nothing sent twice, is in tests/streaming/test_live.py; the services
of the stack are in test_stack.py.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from execution import journal
from infra.errors import TickhouseError
from store import clickhouse, redis_state
from streaming import halt_client
from tests.faults.live_world import ACCOUNT, LiveWorld, live_world
from tests.support import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow]
PATIENCE_S = 90


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveWorld]:
    with live_world(tmp_path, monkeypatch) as made:
        yield made


def codes(world: LiveWorld) -> list[str]:
    """Risk events so far, oldest first; none while ClickHouse is away."""
    try:
        with clickhouse.connect(world.settings) as client:
            return [row[0] for row in client.query("SELECT code FROM risk_events ORDER BY ts_event").result_rows]
    except TickhouseError:
        return []


def quote(world: LiveWorld) -> dict[str, str]:
    with redis_state.connect(world.settings) as client:
        return dict(client.hgetall(redis_state.quote_key(1)))


def trades(world: LiveWorld) -> int:
    with clickhouse.connect(world.settings) as client:
        return int(client.query("SELECT count() FROM trades").result_rows[0][0])


def until(what: str, world: LiveWorld, condition: Callable[[], object]) -> None:
    wait_until(condition, PATIENCE_S, what=f"{what}; see {world.home.logs}")


def test_each_process_round_the_flow_may_be_killed(world: LiveWorld) -> None:
    flow = world.start_flow()
    until("an order", world, lambda: flow.poll() is not None or world.intents())
    assert flow.poll() is None, world.flow_out.read_text()[-3000:]
    until("ticks in ClickHouse", world, lambda: trades(world) and quote(world))

    for name in ("redis", "clickhouse"):
        gone = codes(world).count("STORES_UNREACHABLE")
        said = noticed(world)
        world.servers[name].kill()
        until(f"word that {name} is away", world, lambda: noticed(world) > said)  # noqa: B023 - called at once
        world.servers[name].start()
        until(f"{name} again", world, lambda: codes(world).count("STORES_UNREACHABLE") > gone)  # noqa: B023 - at once
        until("new risk again", world, lambda: codes(world)[-1:] == ["STORES_BACK"] or ended_well(codes(world)))
    heard = trades(world)
    until("quotes and trades again", world, lambda: quote(world) and trades(world) > heard)

    world.servers["sandbox"].kill()
    until("word that the feed is down", world, lambda: '"up": false' in world.flow_out.read_text())
    world.servers["sandbox"].start()
    heard = trades(world)
    until("ticks of the exchange that came back", world, lambda: trades(world) > heard)

    for module in ("streaming.publisher", "streaming.control", "execution.gateways"):
        old = world.side(module)
        os.kill(old, signal.SIGKILL)
        until(f"another {module}", world, lambda: world.side(module) not in {0, old})  # noqa: B023 - called at once
    assert world.flow_out.read_text().count("side process died, restarting it") == 3
    until("all settled", world, lambda: codes(world).count("ACCOUNT_READY") >= 2)
    until("an answer to a command", world, lambda: "the flow acknowledged" in told(world))

    os.kill(flow.pid, signal.SIGKILL)
    assert flow.wait() == -signal.SIGKILL
    sent = [intent.order_id for intent in world.intents()]
    assert len(sent) == len(set(sent))
    assert journal.verify(world.home.journal(ACCOUNT)).intact
    with clickhouse.connect(world.settings) as client:
        shipped = "SELECT uniqExact(order_id) FROM order_events WHERE event = 'released'"
        until("each order in ClickHouse", world, lambda: client.query(shipped).result_rows[0][0] == len(sent))
    until("the end of every side process", world, lambda: not any(map(world.side, (
        "streaming.publisher", "streaming.control", "execution.gateways"))))  # fmt: skip


def noticed(world: LiveWorld) -> int:
    """How often the publisher has said that a store is away."""
    return side_log(world, "publisher").count("unreachable, retrying")


def ended_well(found: list[str]) -> bool:
    """Whether the stores came back after they were last away."""
    stores = [code for code in found if code.startswith("STORES")]
    return stores[-1:] == ["STORES_BACK"]


def side_log(world: LiveWorld, name: str) -> str:
    return (world.home.logs / f"{name}.log").read_text()


def told(world: LiveWorld) -> str:
    try:
        return halt_client.announce(world.settings)
    except TickhouseError:
        return ""

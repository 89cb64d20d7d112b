"""The whole live side on real servers: flow, gateway, publisher and control against the sandbox exchange."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from execution import journal
from execution.messages import decode_entry
from infra import endpoints
from infra.home import Home
from infra.stack import leftovers
from infra.stack.ports import free_port
from ledger.intent import Intent
from store import instruments, redis_state
from streaming import halt
from streaming.replay import replay
from tests.support import PROJECT, answers_tcp, running, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture
def home(settings, clickhouse, tmp_path, monkeypatch):
    """A home folder with a busy sandbox exchange and its instruments in the store."""
    from venues.ccxt_source import CcxtSource, make_exchange

    port = free_port()
    monkeypatch.setenv("TICKHOUSE_LIVE__STRATEGIES", '["momentum"]')
    monkeypatch.setenv("TICKHOUSE_VENUE__SYMBOLS", '["BTC/USDT:USDT", "ETH/USDT:USDT"]')
    argv = [sys.executable, "-m", "sandbox", "--port", str(port), "--trades-per-day", "864000", "--quote-rate", "5"]
    with running(argv, tmp_path / "sandbox.log", lambda: answers_tcp(port)):
        url = f"http://127.0.0.1:{port}"
        endpoints.write(settings.home, {endpoints.Service.SANDBOX: url})
        source = CcxtSource(make_exchange("binance", url))
        instruments.record(clickhouse, source.instruments(["BTC/USDT:USDT", "ETH/USDT:USDT"]))
        yield Home(settings.home)


    leftovers.kill(settings.home)  # a gateway outlives its flow by some seconds


def start_flow(home, **environment):
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / "flow.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "bytewax.run", "streaming.flow"], cwd=PROJECT, stdout=out, stderr=out,
            env=os.environ | leftovers.mark(home.root) | environment,
        )  # fmt: skip


def intents(home, account="paper-main"):
    folder = home.journal(account)
    if not folder.is_dir():
        return []
    entries = (decode_entry(record.payload) for record in journal.read(folder))
    return [entry for entry in entries if isinstance(entry, Intent)]


def ready_since(clickhouse, moment_ns):
    ready = "SELECT count() FROM risk_events WHERE code = 'ACCOUNT_READY' AND toUnixTimestamp64Nano(ts_event) > "
    return clickhouse.query(f"{ready}{moment_ns}").result_rows[0][0] > 0


def tickhouse(*words):
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_trade_halt_resume_kill_recover_and_replay(home, settings, clickhouse):
    flow = start_flow(home)
    try:
        wait_until(lambda: flow.poll() is not None or intents(home), 120, what=f"an order; see {home.logs}")
        assert flow.poll() is None, (home.logs / "flow.out").read_text()[-3000:]

        said = tickhouse("halt", "--reason", "test")
        assert re.search(r"acknowledged: halted", said), said
        assert halt.read(home) == "test"
        halted_at = len(intents(home))
        journaled = sum(1 for _ in journal.read(home.journal("paper-main")))
        said = tickhouse("resume")
        assert "acknowledged: trading" in said
        assert len(intents(home)) >= halted_at
        wait_until(lambda: sum(1 for _ in journal.read(home.journal("paper-main"))) > journaled, 30, what="news")

    finally:
        flow.kill()
        flow.wait()

    killed = time.time_ns()
    again = start_flow(home)
    try:
        # How long the old gateway takes to end and the new one to come up is the machine's affair.
        wait_until(lambda: again.poll() is not None or ready_since(clickhouse, killed), 120, what=f"see {home.logs}")
    finally:
        again.terminate()
    assert again.wait(60) == 0, (home.logs / "flow.out").read_text()[-3000:]
    summary = json.loads((home.run / "last_session.json").read_text())
    assert summary["ready"]
    assert summary["ticks"] > 0
    sent = [intent.order_id for intent in intents(home)]
    assert len(sent) == len(set(sent))
    assert journal.verify(home.journal("paper-main")).intact

    sessions = sorted((home.root / "input_log").iterdir())
    verdicts = [replay(folder, home)[0] for folder in sessions]
    assert [verdict.identical for verdict in verdicts] == [True, True], verdicts
    assert [verdict.ended_in_order for verdict in verdicts] == [False, True]
    assert sum(verdict.orders for verdict in verdicts) == len(sent)

    released = "SELECT count() FROM order_events WHERE event = 'released'"
    wait_until(lambda: clickhouse.query(released).result_rows[0][0] == len(sent), 20, what="orders in ClickHouse")
    assert clickhouse.query("SELECT count() FROM trades").result_rows[0][0] > 0
    assert redis_state.connect(settings).hgetall(redis_state.quote_key(1))
    wait_until(lambda: not (home.run / "publisher.sock").exists(), 15, what="the publisher to end with the flow")


@pytest.mark.parametrize(
    ("setting", "value", "code", "step"),
    [
        ("", "", "INSTRUMENTS_MISSING", "run the ingestion first"),
        ("TICKHOUSE_CLICKHOUSE__URL", "http://127.0.0.1:1", "CLICKHOUSE_UNREACHABLE", "see that it runs"),
    ],
)
def test_what_a_flow_lacks_is_told_in_one_line(settings, clickhouse, setting, value, code, step):
    home = Home(settings.home)
    endpoints.write(home.root, {endpoints.Service.SANDBOX: "http://127.0.0.1:1"})
    flow = start_flow(home, **({setting: value} if setting else {}))
    assert flow.wait(60) == 1
    said = (home.logs / "flow.out").read_text()
    assert code in said
    assert step in said
    assert "Traceback" not in said
    assert not (home.run / "control.sock").exists()

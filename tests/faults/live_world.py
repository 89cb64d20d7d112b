"""Stores and an exchange of a test's own, each a process that can be killed and started again, and a flow on them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from execution import journal
from execution.messages import decode_entry
from infra import endpoints
from infra.home import Home
from infra.settings import PROJECT, Settings, load
from infra.stack import commands, leftovers
from infra.stack.child import dies_with_parent
from infra.stack.ports import free_port
from ledger.intent import Intent
from store import clickhouse, instruments
from tests.support import answers_http, answers_tcp, wait_until

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
ACCOUNT = "paper-main"


@dataclass
class Server:
    """A server process; `start` returns when it answers."""

    argv: list[str]
    log: Path
    answers: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, again with the same arguments where it was killed."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.argv, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - pytest starts it from the main thread
            )  # fmt: skip
        wait_until(self.answers, 60, what=f"{self.argv}; see {self.log}")

    def kill(self) -> None:
        """kill -9, and gone when this returns."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@dataclass
class LiveWorld:
    """What one flow lives in."""

    home: Home
    settings: Settings
    servers: dict[str, Server] = field(default_factory=dict)

    def start_flow(self, **environment: str) -> subprocess.Popen[bytes]:
        """The flow as a person starts it."""
        self.home.logs.mkdir(parents=True, exist_ok=True)
        with self.flow_out.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "bytewax.run", "streaming.flow"], cwd=PROJECT, stdout=out, stderr=out,
                env=os.environ | leftovers.mark(self.home.root) | environment,
            )  # fmt: skip

    @property
    def flow_out(self) -> Path:
        """What the flow said."""
        return self.home.logs / "flow.out"

    def intents(self) -> list[Intent]:
        """All orders ever intended, by the journal."""
        folder = self.home.journal(ACCOUNT)
        if not folder.is_dir():
            return []
        entries = (decode_entry(record.payload) for record in journal.read(folder))
        return [entry for entry in entries if isinstance(entry, Intent)]

    def side(self, module: str) -> int:
        """Pid of the process that runs `module` for this flow, 0 where there is none."""
        for pid in leftovers.find(self.home.root):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if module.encode() in words:
                return pid
        return 0


@contextmanager
def live_world(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveWorld]:
    """Everything but the flow is up, the instruments are known; nothing is left at the end."""
    from venues.ccxt_source import CcxtSource
    from venues.exchange import make_exchange

    home = Home(root / "home")
    ports = {name: free_port() for name in ("clickhouse", "redis", "sandbox")}
    exchange = f"http://127.0.0.1:{ports['sandbox']}"
    for name, value in {
        "HOME": str(home.root), "PROFILE": "embedded", "CLICKHOUSE__URL": f"http://127.0.0.1:{ports['clickhouse']}",
        "REDIS__URL": f"redis://127.0.0.1:{ports['redis']}/0", "LIVE__STRATEGIES": '["momentum"]',
        "VENUE__SYMBOLS": str(list(SYMBOLS)).replace("'", '"'),
    }.items():
        monkeypatch.setenv(f"TICKHOUSE_{name}", value)
    world = LiveWorld(home, load())
    for name in ("clickhouse", "redis"):
        (root / name).mkdir(parents=True)
    busy = ("--trades-per-day", "864000", "--quote-rate", "5", "--state", str(root / "sandbox"))
    world.servers = {
        "clickhouse": Server(
            commands.clickhouse(root / "clickhouse", ports["clickhouse"]), root / "clickhouse.log",
            lambda: answers_http(f"http://127.0.0.1:{ports['clickhouse']}/ping"),
        ),
        "redis": Server(
            commands.valkey(root / "redis", ports["redis"]), root / "redis.log", lambda: answers_tcp(ports["redis"])
        ),
        "sandbox": Server(
            [sys.executable, "-m", "sandbox", "--port", str(ports["sandbox"]), *busy], root / "sandbox.log",
            lambda: answers_http(f"{exchange}/fapi/v1/ping"),
        ),
    }  # fmt: skip
    try:
        for server in world.servers.values():
            server.start()
        endpoints.write(home.root, {endpoints.Service.SANDBOX: exchange})
        clickhouse.migrate(world.settings)
        with clickhouse.connect(world.settings) as client:
            instruments.record(client, CcxtSource(make_exchange("binance", exchange)).instruments(SYMBOLS))
        yield world
    finally:
        leftovers.kill(home.root)
        for server in world.servers.values():
            server.kill()

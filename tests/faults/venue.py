"""A real sandbox exchange, a home folder, a gateway process, and the venue's own word by signed REST."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from execution.gateways import universe
from execution.gateways.universe import Universe
from execution.link import socket_path
from execution.oms import Oms
from infra.endpoints import Service, write
from infra.home import Home
from infra.settings import PROJECT
from tests.execution.kit import BTC, ETH, RULES, Flow


@dataclass
class World:
    """What one test lives in."""

    root: Path
    url: str
    kind: str
    home: Home = field(init=False)
    gateways: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = Home(self.root / "home")
        self.reach(self.url)
        universe.save(self.home.run / "instruments-binance.json", Universe([BTC, ETH], {1: RULES}))

    def reach(self, url: str) -> None:
        """Where gateways find the exchange: itself, or something in between."""
        write(self.home.root, {Service.SANDBOX: url})

    @property
    def environment(self) -> dict[str, str]:
        """For processes: this home, no other server."""
        return {**os.environ, "TICKHOUSE_HOME": str(self.home.root), "PYTHONPATH": str(PROJECT)}

    def start_gateway(self, *more: str) -> subprocess.Popen[bytes]:
        """A gateway process of the account `main`."""
        with (self.root / "gateway.log").open("ab") as log:
            command = [sys.executable, "-m", "execution.gateways", "--kind", self.kind, "--account", "main", *more]
            child = subprocess.Popen(command, env=self.environment, cwd=PROJECT, stdout=log, stderr=log)
        self.gateways.append(child)
        return child

    def flow(self) -> Flow:
        """A flow with this world's journal, connected."""
        made = Flow(Oms.open(self.home.journal("main"), [BTC, ETH], "main"), socket_path(self.home, "main"))
        made.connect()
        return made

    def price(self) -> int:
        """The last price in the instrument's scale."""
        return round(float(self.ask("/fapi/v1/ticker/price", symbol="BTCUSDT")["price"]) * 10)

    def ask(self, path: str, *, signed: bool = False, **query: object) -> Any:
        """The venue's answer."""
        if signed:
            query["timestamp"] = time.time_ns() // 1_000_000
        text = urlencode(query)
        if signed:
            text += "&signature=" + hmac.new(b"sandbox-secret", text.encode(), hashlib.sha256).hexdigest()
        url = f"{self.url}{path}?{text}"
        request = urllib.request.Request(url, headers={"X-MBX-APIKEY": "sandbox-key"})  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def log(self) -> str:
        """What the gateways wrote."""
        return (self.root / "gateway.log").read_text()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and gone when this returns."""
    process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def world(root: Path, kind: str) -> Iterator[World]:
    """A running exchange; every process is gone at the end."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--quote-rate", "5", "--state", str(root / "sandbox")]
    with (root / "sandbox.log").open("wb") as log:
        exchange = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=log)
    assert exchange.stdout is not None
    try:
        ready = re.search(rb"http://\S+", exchange.stdout.readline())
        assert ready is not None
        made = World(root, ready.group(0).decode(), kind)
        try:
            yield made
        finally:
            for child in made.gateways:
                if child.poll() is None:
                    kill(child)
    finally:
        kill(exchange)
        exchange.stdout.close()

"""The publisher process: the only one of the live side that touches Redis and ClickHouse.

    python -m streaming.publisher

The main thread reads the flow's socket and never waits for a store; a thread each writes to ClickHouse and to
Redis. Order events and fills do not come over the socket at all: they are read from the journal, so that
nothing about an order is lost while ClickHouse is away, or while this process is.
"""

from __future__ import annotations

import json
import selectors
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import structlog

from infra import logging as logs
from infra import settings as configuration
from infra.errors import TickhouseError
from infra.home import Home
from infra.metrics import Metrics, serve
from market.events import EVENT
from streaming.batch import Prediction
from streaming.dead_letters import DeadLetters
from streaming.live_state import LiveState
from streaming.messages import FromFlow, RiskRow, ToFlow, publisher_socket
from streaming.metrics import FlowCollector, Stats
from streaming.peer import Channel, Message, pack
from streaming.processes import Orphan, only_one
from streaming.warehouse import Warehouse

log = structlog.get_logger()


@dataclass
class Publisher:
    """The main thread: sockets in, queues out."""

    home: Home
    warehouse: Warehouse
    live_state: LiveState
    collector: FlowCollector = field(default_factory=FlowCollector)
    _flow: Channel | None = None
    _letters: DeadLetters | None = None
    _told: bytes = b""
    _orphan: Orphan = field(default_factory=Orphan)
    _ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        """Asks the main thread to finish; what is queued is written first."""
        self._ended.set()

    def run(self, listener: socket.socket) -> None:
        """Serves one flow after the other until told to end or left alone."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while not self._ended.is_set():
                for key, _ in selector.select(0.1):
                    if key.fileobj is listener:
                        connection, _ = listener.accept()
                        selector.register(Channel(connection), selectors.EVENT_READ)
                    elif isinstance(key.fileobj, Channel):
                        self._read(key.fileobj, selector)
                self._health()
                self.collector.gauges = self.warehouse.gauges() | self.live_state.gauges()
                if self._orphan.now(served=self._flow is not None):
                    log.info("no flow, ending")
                    return

    def _read(self, channel: Channel, selector: selectors.BaseSelector) -> None:
        try:
            for message in channel.receive():
                self._take(message, channel)
        except OSError:
            selector.unregister(channel)
            channel.close()
            if channel is self._flow:
                self._flow = None

    def _take(self, message: Message, channel: Channel) -> None:
        tag, body = message
        if tag == FromFlow.EVENTS:
            events = np.frombuffer(body, dtype=EVENT)
            self.warehouse.events(events)
            self.live_state.events(events)
        elif tag == FromFlow.STATS:
            self.collector.stats = msgspec.json.decode(body, type=Stats)
        elif tag == FromFlow.STATE:
            state: dict[str, Any] = json.loads(body)
            self.live_state.state(state)
        elif tag == FromFlow.PREDICTIONS:
            self.warehouse.predictions([Prediction(*row) for row in json.loads(body)])
        elif tag == FromFlow.RISK:
            notes = [RiskRow(*row) for row in json.loads(body)]
            self.warehouse.risk(notes)
            self.live_state.risk(notes)
        elif tag == FromFlow.DEAD and self._letters is not None:
            self._letters.add(body)
        elif tag == FromFlow.HELLO:
            hello = json.loads(body)
            self._flow, self._told = channel, b""
            self._letters = DeadLetters(self.home, hello["session"])
            log.info("serving", session=hello["session"])

    def _health(self) -> None:
        if self._flow is None:
            return
        words = json.dumps({"clickhouse": self.warehouse.reachable, "redis": self.live_state.reachable}).encode()
        if words != self._told:
            self._told = words
            try:
                self._flow.send(pack(ToFlow.HEALTH, words))
            except OSError:
                return  # the next read notices and drops the channel


def main() -> int:
    """Runs until SIGTERM, or until it is left alone."""
    settings = configuration.load()
    home = Home(settings.home)
    logs.configure("publisher", secrets=logs.secrets_of(settings))
    with only_one(home, "publisher"):
        path = publisher_socket(home)
        path.unlink(missing_ok=True)
        publisher = Publisher(home, Warehouse(settings), LiveState(settings))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: publisher.end())
        metrics = Metrics("flow")
        metrics.registry.register(publisher.collector)
        endpoint = serve(metrics, home, "flow")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen()
            publisher.warehouse.start()
            publisher.live_state.start()
            try:
                publisher.run(listener)
            finally:
                path.unlink(missing_ok=True)
                endpoint.withdraw()
                publisher.live_state.stop()
                publisher.warehouse.stop()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TickhouseError as error:
        sys.exit(str(error))

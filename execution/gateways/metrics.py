"""What a gateway shows of itself: readiness, open orders, reports, and how long the venue takes to answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TypeVar

from execution.gateways.desk import Desk
from execution.gateways.port import Account, Answer, Ears, Port
from execution.gateways.state import GatewayState
from execution.reconcile import Sighting, VenueFill
from infra.metrics import Metrics
from ledger.intent import Intent
from ledger.order import Order

T = TypeVar("T")


class MeteredPort:
    """A port whose requests are timed."""

    def __init__(self, port: Port, metrics: Metrics) -> None:
        self._port = port
        self.kind = port.kind
        self.arrival_window_ns = port.arrival_window_ns
        self._seconds = metrics.latency("request_seconds", "Time until the venue answered", ("request",))

    async def start(self, ears: Ears, open_orders: list[Order]) -> None:
        """As the port."""
        await self._port.start(ears, open_orders)

    async def stop(self) -> None:
        """As the port."""
        await self._port.stop()

    async def place(self, intent: Intent) -> Answer:
        """As the port."""
        return await self._timed("place", self._port.place(intent))

    async def cancel(self, order: Order) -> Answer:
        """As the port."""
        return await self._timed("cancel", self._port.cancel(order))

    async def look_up(self, order: Order) -> Sighting:
        """As the port."""
        return await self._timed("look_up", self._port.look_up(order))

    async def fills_since(self, since_ns: int) -> list[VenueFill] | None:
        """As the port."""
        return await self._timed("fills", self._port.fills_since(since_ns))

    async def account(self) -> Account | None:
        """As the port."""
        return await self._timed("account", self._port.account())

    async def venue_time(self) -> int | None:
        """As the port."""
        return await self._timed("time", self._port.venue_time())

    async def _timed(self, request: str, work: Awaitable[T]) -> T:
        began = time.perf_counter()
        try:
            return await work
        finally:
            self._seconds.labels(request).observe(time.perf_counter() - began)


def watch(metrics: Metrics, state: GatewayState, desk: Desk) -> None:
    """Gauges that are read when Prometheus asks."""
    metrics.gauge("ready", "1 while every outcome is known and positions agree").set_function(
        lambda: float(desk.why_not == "")
    )
    metrics.gauge("open_orders", "Orders that may still trade").set_function(state.view.open_count)
    metrics.gauge("last_report", "Number of the last report to the flow").set_function(lambda: state.last_report)
    metrics.gauge("journal_records", "Records in the gateway's journal").set_function(lambda: state.journal.seq)

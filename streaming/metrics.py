"""The flow's counters: plain integers in the flow, a web page for Prometheus in the publisher."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from streaming.latency import Latency

_MONEY = 1e-8


class Stats(msgspec.Struct):
    """What one session has done so far. Money in 10^-8 of the settlement currency."""

    session: str = ""
    started: int = 0
    wake_ups: int = 0
    frames: int = 0
    ticks: int = 0
    predictions: int = 0
    targets: int = 0
    orders: int = 0
    denied: int = 0
    fills: int = 0
    dead_letters: int = 0
    shed: int = 0
    restarts: int = 0
    working: int = 0
    feed_up: bool = False
    gateway_up: bool = False
    stores_up: bool = False
    halted: bool = False
    ready: bool = False
    equity: int = 0
    pnl: int = 0
    latency: Latency = msgspec.field(default_factory=Latency)

    def summary(self) -> dict[str, Any]:
        """What `last_session.json` holds."""
        fields = msgspec.structs.asdict(self)
        del fields["latency"]
        return fields | {
            "seconds": round((time.time_ns() - self.started) * 1e-9, 3) if self.started else 0.0,
            "tick_to_order_us_p50": self.latency.quantile(0.5),
            "tick_to_order_us_p99": self.latency.quantile(0.99),
        }


_COUNTERS = {
    "wake_ups": "Wake-ups of the flow",
    "frames": "Websocket messages",
    "ticks": "Market events",
    "predictions": "Inferences",
    "targets": "Targets from strategies",
    "orders": "Orders handed to the gateway",
    "denied": "Orders refused by a pre-trade check",
    "fills": "Fills",
    "dead_letters": "Frames that no decoder understood",
    "shed": "Events not published because the stores were too slow",
    "restarts": "Side processes restarted",
}
_GAUGES = {
    "working": "Working orders",
    "feed_up": "1 while the venue's feed is up",
    "gateway_up": "1 while the gateway is connected",
    "stores_up": "1 while ClickHouse and Redis are reachable",
    "halted": "1 while trading is halted",
    "ready": "1 while nothing is unresolved",
}


class FlowCollector:
    """Turns the last `Stats` the publisher has heard into metrics, when it is asked."""

    def __init__(self) -> None:
        self.stats: Stats | None = None
        self.gauges: dict[str, float] = {}  # the publisher's own: queue lengths and the like

    def collect(self) -> Iterable[Metric]:
        """All metrics; none of the flow's before its first word."""
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(f"tickhouse_publisher_{name}", "Publisher", value=value)
        if self.stats is not None:
            yield from _of(self.stats)


def _of(stats: Stats) -> Iterator[Metric]:
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(f"tickhouse_flow_{name}", text, value=getattr(stats, name))
    for name, text in _GAUGES.items():
        yield GaugeMetricFamily(f"tickhouse_flow_{name}", text, value=float(getattr(stats, name)))
    yield GaugeMetricFamily("tickhouse_flow_equity", "Equity", value=stats.equity * _MONEY)
    yield GaugeMetricFamily("tickhouse_flow_pnl", "Profit of the session", value=stats.pnl * _MONEY)
    latency = stats.latency
    buckets, seen = [], 0
    for index, count in enumerate(latency.counts):
        seen += count
        edge = latency.edge_ns(index)
        if index % 8 == 7 and 1 << 12 <= edge <= 1 << 31:  # whole octaves from 4 us to 2 s, the same at every scrape
            buckets.append((repr(edge * 1e-9), seen))
    buckets.append(("+Inf", latency.total))
    yield HistogramMetricFamily(
        "tickhouse_flow_tick_to_order_seconds", "From bytes available to order handed to the gateway",
        buckets=buckets, sum_value=latency.sum_ns * 1e-9,
    )  # fmt: skip

"""Prometheus metrics: a registry a process, an endpoint on loopback, and a file by which Prometheus finds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from infra.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import Home

NAMESPACE = "tickhouse"
# Seconds: from 5 us, about four buckets a decade, so that a percentile is known within a factor of two.
LATENCY_BUCKETS = (
    5e-6, 1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 1.5e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25,
    0.5, 1, 5,
)  # fmt: skip


class Metrics:
    """Makes the metrics of one process, all named `tickhouse_<subsystem>_<name>`."""

    def __init__(self, subsystem: str) -> None:
        self.registry = CollectorRegistry()
        self._subsystem = subsystem

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        """A number that only grows; its name ends in `_total` by itself."""
        return Counter(name, description, labels, NAMESPACE, self._subsystem, registry=self.registry)

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        """A number that goes up and down."""
        return Gauge(name, description, labels, NAMESPACE, self._subsystem, registry=self.registry)

    def latency(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Histogram:
        """A histogram of seconds, from microseconds to seconds; name it `..._seconds`."""
        return Histogram(
            name, description, labels, NAMESPACE, self._subsystem, registry=self.registry, buckets=LATENCY_BUCKETS
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running metrics endpoint."""

    url: str
    discovery: Path

    def withdraw(self) -> None:
        """Takes the discovery file away, so that Prometheus stops asking; the thread ends with the process."""
        self.discovery.unlink(missing_ok=True)


def serve(metrics: Metrics, home: Home, process: str, port: int = 0) -> Endpoint:
    """Serves `/metrics` on loopback (0: any free port) from a daemon thread.

    Prometheus finds it by `run/metrics-<process>.json` (`file_sd_configs`).
    """
    server, _ = start_http_server(port, LOOPBACK, metrics.registry)
    home.run.mkdir(parents=True, exist_ok=True)
    file = home.run / f"metrics-{process}.json"
    address = f"{LOOPBACK}:{server.server_port}"
    draft = file.with_suffix(".tmp")
    draft.write_text(json.dumps([{"targets": [address], "labels": {"process": process}}]))
    draft.replace(file)
    return Endpoint(f"http://{address}/metrics", file)

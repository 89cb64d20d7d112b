"""Metrics: what a process exposes and how Prometheus finds it."""

from __future__ import annotations

import json
import urllib.request

from infra.home import Home
from infra.metrics import Metrics, serve


def test_a_process_serves_its_own_metrics_and_says_where(tmp_path):
    metrics = Metrics("flow")
    metrics.counter("events", "Events decoded", ("venue",)).labels("binance").inc(3)
    metrics.latency("tick_to_order_seconds", "From bytes to order").observe(4e-5)
    endpoint = serve(metrics, Home(tmp_path), "flow")
    with urllib.request.urlopen(endpoint.url, timeout=5) as answer:  # noqa: S310 - loopback
        text = answer.read().decode()
    assert 'tickhouse_flow_events_total{venue="binance"} 3.0' in text
    assert 'tickhouse_flow_tick_to_order_seconds_bucket{le="5e-05"} 1.0' in text
    (group,) = json.loads(endpoint.discovery.read_text())
    assert endpoint.url == f"http://{group['targets'][0]}/metrics"
    assert group["labels"] == {"process": "flow"}
    endpoint.withdraw()
    assert not endpoint.discovery.exists()


def test_two_processes_in_one_do_not_share_a_registry():
    Metrics("flow").counter("events", "Events")
    Metrics("flow").counter("events", "Events")

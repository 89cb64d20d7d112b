"""Watches the venue's clock beside ours: a warning and a gauge, no more, for recovery does not depend on it."""

from __future__ import annotations

import asyncio

import structlog

from execution.gateways.port import Port
from infra.metrics import Metrics
from venues.clock import measure

log = structlog.get_logger()
_EVERY_S = 60.0


async def watch_clock(port: Port, metrics: Metrics, every_s: float = _EVERY_S) -> None:
    """For ever; says CLOCK_SKEW when it begins, and when it has ended."""
    gauge = metrics.gauge("venue_clock_offset_seconds", "The venue's clock minus ours")
    skewed = False
    while True:
        offset = await measure(port.venue_time)
        if offset is not None:
            gauge.set(offset.offset_ns / 1e9)
            skew = offset.skew
            if skew is not None and not skewed:
                log.warning("the clocks differ", code=skew.code.name, error=str(skew))
            elif skewed and skew is None:
                log.info("the clocks agree again")
            skewed = skew is not None
        await asyncio.sleep(every_s if offset is not None else min(every_s, 5.0))

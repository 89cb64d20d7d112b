"""sink: orders to the gateway, everything else to the processes beside the flow; counts what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec
import numpy as np
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from market.events import Kind
from streaming.batch import Batch
from streaming.inlet import UnderWay
from streaming.lines import GatewayLine, SideLine
from streaming.messages import FromFlow, RiskRow
from streaming.metrics import Stats
from streaming.peer import pack

_SHED_QUOTES = 4 << 20   # bytes that wait for the publisher: from here on quotes are left out,
_SHED_TICKS = 16 << 20   # from here on trades and predictions too; order events never come this way
_STATS_NS = 1_000_000_000
_encode = msgspec.json.Encoder().encode


@dataclass
class Outlet(StatelessSinkPartition[Batch]):
    """The last step."""

    gateway: GatewayLine
    publisher: SideLine
    control: SideLine
    under_way: UnderWay
    stats: Stats = field(default_factory=Stats)
    _next_stats: int = 0

    def write_batch(self, items: list[Batch]) -> None:
        """Sends what the batches bring; the gateway first."""
        for batch in items:
            if batch.orders:
                self._orders(batch)
            self._count(batch)
            self._tell(batch)
            self.under_way.count -= 1

    def _orders(self, batch: Batch) -> None:
        # A frame that finds no gateway is not lost: it is in the journal, and the next hello resolves it.
        self.gateway.link.send(b"".join(batch.orders))
        if batch.order_ids and batch.frames:
            now = time.time_ns()
            for _ in batch.order_ids:
                self.stats.latency.add(now - batch.first_recv)

    def _count(self, batch: Batch) -> None:
        stats = self.stats
        stats.wake_ups += 1
        stats.frames += batch.frames
        stats.ticks += len(batch.events)
        stats.predictions += len(batch.predictions)
        stats.targets += len(batch.targets)
        stats.orders += len(batch.order_ids)
        stats.denied += batch.denied
        stats.fills += batch.fills
        stats.dead_letters += len(batch.dead)

    def _tell(self, batch: Batch) -> None:
        if batch.reconnect:
            self.gateway.restart(batch.ts)
        control = self.control.link
        for ask in batch.asks:
            control.send(pack(FromFlow.ASK, _encode(ask)))
        for reply in batch.replies:
            control.send(pack(FromFlow.REPLY, reply))
        publisher = self.publisher.link
        if len(batch.events):
            self._events(batch)
        if batch.predictions:
            if publisher.unsent < _SHED_TICKS:
                publisher.send(pack(FromFlow.PREDICTIONS, _encode(batch.predictions)))
            else:
                self.stats.shed += len(batch.predictions)
        if batch.notes:
            rows = [
                RiskRow(e.ts_event, e.level.name.lower(), e.code.name, e.instrument, e.strategy, e.detail)
                for e in batch.notes
            ]
            publisher.send(pack(FromFlow.RISK, _encode(rows)))
        for letter in batch.dead:
            publisher.send(pack(FromFlow.DEAD, letter.reason.encode() + b"\0" + letter.frame))
        if batch.state is not None:
            self.stats.equity, self.stats.pnl = batch.state["pnl"]["equity"], batch.state["pnl"]["profit"]
            publisher.send(pack(FromFlow.STATE, _encode(batch.state)))
        if batch.ts >= self._next_stats:
            self._next_stats = batch.ts + _STATS_NS
            self.stats.gateway_up = self.gateway.link.up
            publisher.send(pack(FromFlow.STATS, _encode(self.stats)))

    def _events(self, batch: Batch) -> None:
        publisher, kinds = self.publisher.link, batch.events["kind"]
        if publisher.unsent >= _SHED_TICKS:
            self.stats.shed += len(batch.events)
            return
        trades = kinds == Kind.TRADE
        if publisher.unsent >= _SHED_QUOTES:
            quotes = kinds == Kind.QUOTE
            self.stats.shed += int(np.count_nonzero(quotes))
            kept = batch.events[trades]
        else:
            kept = batch.events[trades | (kinds == Kind.QUOTE)]
        if len(kept):
            publisher.send(pack(FromFlow.EVENTS, kept.tobytes()))


@dataclass
class OutletSink(DynamicSink[Batch]):
    """The outlet for Bytewax."""

    outlet: Outlet

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Outlet:
        """The outlet."""
        del step_id, worker_index, worker_count
        return self.outlet

"""sink: orders to the gateway, everything else to the processes beside the flow; counts what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec
import numpy as np
import structlog
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from market.events import Events, Kind
from risk.level import Level
from streaming.batch import Batch, Prediction
from streaming.inlet import UnderWay
from streaming.input_log import Entry
from streaming.lines import GatewayLine, SideLine
from streaming.messages import FromFlow, RiskRow
from streaming.metrics import Stats
from streaming.peer import pack

log = structlog.get_logger()
_SHED_QUOTES = 4 << 20   # bytes that wait for the publisher: from here on quotes are left out,
_SHED_TICKS = 16 << 20   # from here on trades and predictions too; order events never come this way
_STATS_NS = 1_000_000_000
_TICKS_NS = 5_000_000    # ticks and predictions go to the publisher together: 2 us a wake-up instead of 10
_TICKS = 4096            # ... or this many of them
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
    _next_ticks: int = 0
    _waiting: int = 0
    _ticks: list[Events] = field(default_factory=list)
    _predictions: list[Prediction] = field(default_factory=list)

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
        if batch.frames:
            self._ticks.append(batch.events)
            self._predictions += batch.predictions
            self._waiting += len(batch.events)
        last = bool(batch.inputs) and batch.inputs[-1].kind == Entry.END
        if self._ticks and (batch.ts >= self._next_ticks or self._waiting >= _TICKS or last):
            self._next_ticks = batch.ts + _TICKS_NS
            self._flush()
        if batch.notes:
            rows = [
                RiskRow(e.ts_event, e.level.name.lower(), e.code.name, e.instrument, e.strategy, e.detail)
                for e in batch.notes
            ]
            publisher.send(pack(FromFlow.RISK, _encode(rows)))
            for e in batch.notes:
                if e.level >= Level.ERROR:  # said here as well: the publisher may be what has failed
                    log.error("risk", code=e.code.name, instrument=e.instrument, strategy=e.strategy, detail=e.detail)
        for letter in batch.dead:
            publisher.send(pack(FromFlow.DEAD, letter.reason.encode() + b"\0" + letter.frame))
        if batch.state is not None:
            self.stats.equity, self.stats.pnl = batch.state["pnl"]["equity"], batch.state["pnl"]["profit"]
            publisher.send(pack(FromFlow.STATE, _encode(batch.state)))
        if batch.ts >= self._next_stats:
            self._next_stats = batch.ts + _STATS_NS
            self.stats.gateway_up = self.gateway.link.up
            publisher.send(pack(FromFlow.STATS, _encode(self.stats)))

    def _flush(self) -> None:
        """Ticks and predictions since the last time."""
        publisher = self.publisher.link
        events, predictions = np.concatenate(self._ticks), self._predictions
        self._ticks, self._predictions, self._waiting = [], [], 0
        if publisher.unsent >= _SHED_TICKS:
            self.stats.shed += len(events) + len(predictions)
            return
        trades, quotes = events["kind"] == Kind.TRADE, events["kind"] == Kind.QUOTE
        if publisher.unsent >= _SHED_QUOTES:
            self.stats.shed += int(np.count_nonzero(quotes))
            kept = events[trades]
        else:
            kept = events[trades | quotes]
        if len(kept):
            publisher.send(pack(FromFlow.EVENTS, kept.tobytes()))
        if predictions:
            publisher.send(pack(FromFlow.PREDICTIONS, _encode(predictions)))


@dataclass
class OutletSink(DynamicSink[Batch]):
    """The outlet for Bytewax."""

    outlet: Outlet

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Outlet:
        """The outlet."""
        del step_id, worker_index, worker_count
        return self.outlet

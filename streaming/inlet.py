"""The flow's one source: it steps every socket of the flow itself and records what it read before handing it on.

No thread stands between a socket and the steps. In busy mode `next_awake` lies always in the past and the
loop never sleeps; else `next_batch` waits for the feed's next frame, but never longer than two milliseconds.

Bytewax calls `next_batch` once for every step that a batch takes: until the sink has had the last batch these
calls return at once, so that a batch is not kept waiting for sockets to be looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from bytewax.inputs import DynamicSource, StatelessSourcePartition

from streaming.input_log import Entry, Input, InputLog, WakeUp

_PAST = datetime(2000, 1, 1, tzinfo=UTC)
_WAIT_S = 0.002        # also how long a report or a halt may wait while no frame comes
_LINES_NS = 200_000    # how long a report or a halt may wait while frames keep coming: a look costs 3 us
TIMER_NS = 100_000_000
_GOODBYE_NS = 2_000_000_000


class Line(Protocol):
    """Something with a socket that brings inputs: the venue, the gateway, the control process, the publisher."""

    def step(self, now: int) -> list[Input]:
        """What has arrived; never blocks."""



@dataclass(slots=True)
class Stop:
    """When the flow ends; set by signals and by the clock."""

    wanted: bool = False
    at: int = 0              # ns, 0 for never
    reason: str = ""


@dataclass(slots=True)
class UnderWay:
    """Batches between inlet and sink."""

    count: int = 0


@dataclass
class Inlet(StatelessSourcePartition[WakeUp]):
    """Reads, records, hands on."""

    feed: Line
    lines: tuple[Line, ...]          # all others
    log: InputLog | None
    stop: Stop
    idle: Callable[[], bool]         # whether no order is open, so that the flow may end
    wait: Callable[[float], None]    # waits so many seconds, or until the feed has something
    under_way: UnderWay
    housekeeping: Callable[[int], None] = lambda _now: None  # once a second: what decides nothing
    rehearse: Callable[[int], None] | None = None            # keeps the caches warm while nothing comes
    busy_poll: bool = False
    ending: ExitStack = field(default_factory=ExitStack)
    first: list[WakeUp] = field(default_factory=list)        # recorded already, to go before everything else
    _last: int = 0
    _next_timer: int = 0
    _next_lines: int = 0
    _next_second: int = 0
    _stopping: int = 0
    _ended: bool = False

    def next_batch(self) -> list[WakeUp]:
        """All that waits on the sockets as one wake-up; StopIteration when the session is over."""
        if self.under_way.count:
            return []
        if self._ended:
            raise StopIteration
        if self.first:
            head, self.first = self.first, []
            self.under_way.count += len(head)
            return head
        now = time.time_ns()
        inputs = self.feed.step(now)
        if not inputs or now >= self._next_lines:  # a frame does not wait for sockets that are mostly silent
            self._next_lines = now + _LINES_NS
            for line in self.lines:
                inputs += line.step(now)
        if now >= self._next_timer:
            self._next_timer = now + TIMER_NS
            inputs.append(Input(Entry.TIMER, now, b""))
            inputs += self._goodbye(now)
            if now >= self._next_second:
                self._next_second = now + 1_000_000_000
                self.housekeeping(now)
        if not inputs:
            if not self.busy_poll:
                self.wait(_WAIT_S)
            elif self.rehearse is not None:
                self.rehearse(now)
            return []
        # Strictly rising, whatever the wall clock does: it is the only clock of everything below.
        self._last = max(time.time_ns(), self._last + 1)
        wake = WakeUp(self._last, inputs)
        if self.log is not None:
            self.log.append(wake)
        self.under_way.count += 1
        return [wake]

    def next_awake(self) -> datetime | None:
        """Always at once: waiting is done inside `next_batch`, where a frame can end it."""
        return _PAST

    def close(self) -> None:
        """Takes the session apart."""
        self.ending.close()

    def _goodbye(self, now: int) -> list[Input]:
        if self._stopping:
            # The wake-up that said "stop" has cancelled what was open; wait for the venue's word, but not for ever.
            if self.idle() or now - self._stopping > _GOODBYE_NS:
                self._ended = True
                return [Input(Entry.END, now, self.stop.reason.encode())]
            return []
        if self.stop.wanted or 0 < self.stop.at <= now:
            self.stop.reason = self.stop.reason or "time"
            self._stopping = now
            return [Input(Entry.CONTROL, now, msgspec.json.encode({"kind": "stop", "reason": self.stop.reason}))]
        return []


@dataclass
class InletSource(DynamicSource[WakeUp]):
    """The inlet for Bytewax; one worker, because a shard is one process."""

    inlet: Inlet

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Inlet:
        """The inlet on worker 0; scaling is by processes, each with its own shard."""
        del step_id
        if worker_count != 1 or worker_index != 0:
            raise RuntimeError("run one worker: a second one makes one shard slower; start a second flow instead")
        return self.inlet

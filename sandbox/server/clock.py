"""Wall time to market time."""

from __future__ import annotations

import time
from dataclasses import dataclass

NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000


def wall_ns() -> int:
    """UTC nanoseconds of this machine's clock: the API time that signatures are checked against."""
    return time.time_ns()


@dataclass(frozen=True)
class MarketClock:
    """Market time as a function of wall time: starts `lag` behind and runs `speed` times faster until it catches up.

    Never ahead of the wall, never backwards: a clock with the same three numbers gives the same market time after a
    restart, so a market goes on while its server is down, as a real one does.
    """

    wall_start_ns: int
    lag_ns: int = 0
    speed: float = 1.0

    def at(self, wall: int) -> int:
        """Market time in ns at a wall time in ns; before `wall_start_ns` it is simply `lag` behind."""
        elapsed = max(0, wall - self.wall_start_ns)
        caught_up = int(elapsed * (self.speed - 1.0)) if self.speed > 1.0 else 0
        return wall - max(0, self.lag_ns - caught_up)

    def now(self) -> int:
        """Market time now, in ns."""
        return self.at(wall_ns())

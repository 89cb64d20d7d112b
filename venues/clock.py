"""How far this machine's clock is from a venue's: read like NTP does, with the bound that the travel time sets."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from infra.errors import TickhouseError
from venues.errors import VenueCode

TOLERANCE_NS = 1_000_000_000  # what Binance allows a request to be ahead
_READINGS = 3


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The venue's clock minus ours, ns; the truth lies within `bound_ns` of it."""

    offset_ns: int
    bound_ns: int

    @property
    def skew(self) -> TickhouseError | None:
        """CLOCK_SKEW when the clocks differ by more than TOLERANCE_NS whatever the travel time was."""
        if abs(self.offset_ns) - self.bound_ns <= TOLERANCE_NS:
            return None
        side = "behind" if self.offset_ns > 0 else "ahead"
        return TickhouseError(VenueCode.CLOCK_SKEW, ours=side, by_s=round(abs(self.offset_ns) / 1e9, 3))


async def measure(
    venue_time: Callable[[], Awaitable[int | None]], clock: Callable[[], int] = time.time_ns, readings: int = _READINGS
) -> ClockOffset | None:
    """The offset by the quickest of a few readings; None when the venue answered none. `venue_time` gives ns."""
    best: ClockOffset | None = None
    for _ in range(readings):
        asked = clock()
        told = await venue_time()
        bound = (clock() - asked) // 2
        if told is not None and bound >= 0 and (best is None or bound < best.bound_ns):
            best = ClockOffset(told - asked - bound, bound)
    return best

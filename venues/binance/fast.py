"""The compiled decoder: the kernel for what is plain, the exact decoder for all the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from market.events import Events
from market.instrument import Instrument
from venues.binance import kernel, symbols
from venues.binance.exact import ExactDecoder
from venues.dead_letter import DeadLetter

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


def room_for(size: int, frames: int = 1) -> int:
    """Events that `frames` frames of `size` bytes together can hold at most: a book level takes ten bytes or more."""
    return size // 8 + 4 * frames


class FastDecoder:
    """Decodes one connection's frames; what comes out is what `ExactDecoder` gives, byte for byte."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._exact = ExactDecoder(instruments)
        self._table = symbols.index(instruments).table
        self.declined = 0  # frames that the exact decoder had to decide: a figure to watch

    def decode(self, frame: bytes | memoryview, ts_recv: int, out: Events) -> int:
        """As `ExactDecoder.decode`."""
        data = np.frombuffer(frame, dtype=np.uint8)
        count = int(kernel.decode(data, 0, len(data), ts_recv, self._table, out, 0))
        if count >= 0:
            return count
        self.declined += 1
        return self._exact.decode(frame, ts_recv, out)

    def decode_batch(
        self, buffer: Bytes, ends: Integers, ts_recv: Integers, frames: int, out: Events, event_ends: Integers
    ) -> list[tuple[int, DeadLetter]]:
        """Decodes `frames` frames that lie one after another in `buffer`; the dead ones by number and reason.

        Frame i is `buffer[ends[i - 1]:ends[i]]` (from 0 for the first); its events are
        `out[event_ends[i - 1]:event_ends[i]]`. `out` needs `room_for(ends[frames - 1], frames)`.
        """
        dead: list[tuple[int, DeadLetter]] = []
        done = 0
        while True:
            done = int(kernel.decode_batch(buffer, ends, ts_recv, done, frames, self._table, out, event_ends))
            if done >= frames:
                return dead
            self.declined += 1
            start, at = (int(ends[done - 1]), int(event_ends[done - 1])) if done else (0, 0)
            count = self._exact.decode(buffer[start : int(ends[done])].tobytes(), int(ts_recv[done]), out[at:])
            if count < 0:
                dead.append((done, DeadLetter(-count)))
                count = 0
            event_ends[done] = at + count
            done += 1

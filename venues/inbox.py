"""Where frames wait until the owner of the loop takes them, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A connection came up or went down, after `frames` frames of the batch."""

    connection: int
    up: bool
    ts: int      # ns
    frames: int
    reason: str


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """What one wake-up read: frame i is `buffer[ends[i - 1]:ends[i]]`, received at `ts_recv[i]`. It owns its arrays."""

    buffer: Bytes
    ends: Integers
    ts_recv: Integers
    changes: tuple[LinkChange, ...]

    def __len__(self) -> int:
        return len(self.ends)

    def frame(self, number: int) -> bytes:
        """The bytes of one frame."""
        start = int(self.ends[number - 1]) if number else 0
        return self.buffer[start : int(self.ends[number])].tobytes()


_NOTHING = FrameBatch(np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), ())


class Inbox:
    """Collects frames and link changes; `take` empties it."""

    def __init__(self, size: int = 1 << 20, frames: int = 4096) -> None:
        self._buffer = np.empty(size, dtype=np.uint8)
        self._ends = np.empty(frames, dtype=np.int64)
        self._ts = np.empty(frames, dtype=np.int64)
        self._frames = 0
        self._used = 0
        self._changes: list[LinkChange] = []

    def __len__(self) -> int:
        return self._frames + len(self._changes)

    def put(self, payload: bytes | bytearray | memoryview, ts_recv: int) -> None:
        """Copies one frame in."""
        end = self._used + len(payload)
        if end > len(self._buffer):
            self._buffer = np.concatenate([self._buffer, np.empty(max(end, len(self._buffer)), dtype=np.uint8)])
        if self._frames == len(self._ends):
            self._ends = np.concatenate([self._ends, np.empty_like(self._ends)])
            self._ts = np.concatenate([self._ts, np.empty_like(self._ts)])
        self._buffer.data[self._used : end] = payload
        self._ends[self._frames] = end
        self._ts[self._frames] = ts_recv
        self._used = end
        self._frames += 1

    def change(self, connection: int, up: bool, ts: int, reason: str = "") -> None:
        """Notes that a connection came up or went down."""
        self._changes.append(LinkChange(connection, up, ts, self._frames, reason))

    def take(self) -> FrameBatch:
        """Everything since the last call."""
        if not self._frames and not self._changes:
            return _NOTHING
        batch = FrameBatch(
            self._buffer[: self._used].copy(), self._ends[: self._frames].copy(), self._ts[: self._frames].copy(),
            tuple(self._changes),
        )
        self._used = self._frames = 0
        self._changes = []
        return batch

"""The input log: everything that can change a decision, in order, one record a wake-up.

A record is length (u4), CRC-32 (u4), wake-up time (i8, ns) and entries; an entry is kind (u1), receive
time (i8, ns), length (u4) and bytes, little-endian. One `write(2)` a record, before anything is
processed: what was decided is always recorded. A torn tail is what a kill leaves and ends the reading.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infra.errors import TickhouseError
from streaming.errors import StreamCode

_HEAD = struct.Struct("<IIq")
_COUNT = struct.Struct("<Q")
_ENTRY = struct.Struct("<BqI")
_SEGMENT_BYTES = 256 << 20


class Entry(IntEnum):
    """What an entry holds."""

    START = 1       # JSON: streaming.start.Start, first entry of a session
    STATE = 2       # feature end state: instrument (u4) and raw float64
    CATCH_UP = 3    # market.events records fetched by REST before going live
    FRAMES = 4      # websocket messages: see `frames`
    SNAPSHOT = 5    # depth snapshot: instrument (u4) and the REST answer
    FEED = 6        # JSON: a venue connection went up or down
    GATEWAY = 7     # one framed message of execution.link
    LINK = 8        # GATEWAY_UP, GATEWAY_DOWN or CONTROL_UP: a connection came or went
    CONTROL = 9     # JSON: halt, resume, limits, model
    HEALTH = 10     # JSON: whether the stores are reachable
    TIMER = 11      # nothing but time
    END = 12        # the session ended in order


GATEWAY_UP, GATEWAY_DOWN, CONTROL_UP = b"gateway up", b"gateway down", b"control up"


class Frames(NamedTuple):
    """Frame i is `buffer[ends[i - 1]:ends[i]]`, received at `ts_recv[i]`; the arrays are read-only."""

    buffer: NDArray[np.uint8]
    ends: NDArray[np.int64]
    ts_recv: NDArray[np.int64]

    def frame(self, number: int) -> bytes:
        """The bytes of one frame."""
        return self.buffer[int(self.ends[number - 1]) if number else 0 : int(self.ends[number])].tobytes()


def pack_frames(frames: Frames) -> bytes:
    """The body of a FRAMES entry: count (u8), ends, receive times, bytes."""
    return b"".join((_COUNT.pack(len(frames.ends)), frames.ends.data, frames.ts_recv.data, frames.buffer.data))


def unpack_frames(body: bytes) -> Frames:
    """The frames of a FRAMES entry, without copying them."""
    (count,) = _COUNT.unpack_from(body)
    times, data = 8 + 8 * count, 8 + 16 * count
    return Frames(
        np.frombuffer(body, np.uint8, offset=data),
        np.frombuffer(body, np.int64, count, 8),
        np.frombuffer(body, np.int64, count, times),
    )


class Input(NamedTuple):
    """One entry."""

    kind: Entry
    ts: int  # ns, when its bytes reached us
    body: bytes


@dataclass(slots=True)
class WakeUp:
    """All that one wake-up read. `ts` is the only clock of the steps below."""

    ts: int
    inputs: list[Input] = field(default_factory=list)


class InputLog:
    """Writer of one session's log."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=False)
        self.folder = folder
        self.records = 0
        self._segment = 0
        self._size = 0
        self._file = -1
        self._roll()

    def _roll(self) -> None:
        self.close()
        self._segment += 1
        path = self.folder / f"{self._segment:06d}.log"
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self._size = 0

    def append(self, wake: WakeUp) -> None:
        """One record in one write; INPUT_LOG_FULL where the disk takes no more."""
        parts: list[bytes] = []
        pack = _ENTRY.pack
        for kind, ts, body in wake.inputs:
            parts += (pack(kind, ts, len(body)), body)
        payload = b"".join(parts)
        record = _HEAD.pack(len(payload), zlib.crc32(payload), wake.ts) + payload
        try:
            written = os.write(self._file, record)
            while written < len(record):  # the disk fills up: the write that takes nothing says why
                written += os.write(self._file, record[written:])
            self.records += 1
            self._size += len(record)
            if self._size >= _SEGMENT_BYTES:
                self._roll()
        except OSError as error:
            raise TickhouseError(StreamCode.INPUT_LOG_FULL, folder=self.folder, problem=error.strerror) from error

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read(folder: Path) -> Iterator[WakeUp]:
    """The wake-ups of a session in order, up to a torn tail; INPUT_LOG_BROKEN for damage before the end."""
    segments = sorted(folder.glob("*.log"))
    if not segments:
        raise TickhouseError(StreamCode.INPUT_LOG_BROKEN, folder=folder, problem="no segment")
    for path in segments:
        data = path.read_bytes()
        at = 0
        while at < len(data):
            wake, at = _record(data, at)
            if wake is None:
                if path != segments[-1]:
                    raise TickhouseError(StreamCode.INPUT_LOG_BROKEN, file=path, offset=at)
                return
            yield wake


def _record(data: bytes, at: int) -> tuple[WakeUp | None, int]:
    if at + _HEAD.size > len(data):
        return None, at
    length, check, ts = _HEAD.unpack_from(data, at)
    body = at + _HEAD.size
    if body + length > len(data) or zlib.crc32(memoryview(data)[body : body + length]) != check:
        return None, at
    wake = WakeUp(ts)
    end = body + length
    while body < end:
        kind, recv, size = _ENTRY.unpack_from(data, body)
        body += _ENTRY.size
        wake.inputs.append(Input(Entry(kind), recv, data[body : body + size]))
        body += size
    return wake, end

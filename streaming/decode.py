"""decode: bytes to events; what nobody understands is put aside with its reason."""

from __future__ import annotations

import numpy as np

from market.events import Events, empty
from streaming.batch import Batch, DeadLetter
from streaming.input_log import Entry, Input, WakeUp
from venues.binance.codec import DeadLetter as Reason
from venues.binance.codec import FastDecoder, room_for


class Decode:
    """The connection's compiled decoder over whole wake-ups."""

    def __init__(self, decoder: FastDecoder) -> None:
        self._decoder = decoder
        self._room = empty(1024)

    def __call__(self, wakes: list[WakeUp]) -> list[Batch]:
        """A batch a wake-up, with its events in the order of arrival."""
        return [self._batch(wake) for wake in wakes]

    def _batch(self, wake: WakeUp) -> Batch:
        frames = [entry for entry in wake.inputs if entry.kind == Entry.FRAME]
        if not frames:
            return Batch(wake.ts, wake.inputs)
        if len(frames) == len(wake.inputs):
            batch = Batch(wake.ts, [])
        else:
            batch = Batch(wake.ts, [entry for entry in wake.inputs if entry.kind != Entry.FRAME])
        batch.frames = len(frames)
        batch.first_recv = frames[0].ts
        batch.events = self._one(batch, frames[0]) if len(frames) == 1 else self._several(batch, frames)
        return batch

    def _one(self, batch: Batch, frame: Input) -> Events:
        count = self._decoder.decode(frame.body, frame.ts, self._for(room_for(len(frame.body))))
        if count < 0:
            batch.dead.append(DeadLetter(frame.ts, Reason(-count).name, frame.body))
            count = 0
        return self._room[:count].copy()  # the room is used again before the steps below are done with these

    def _several(self, batch: Batch, frames: list[Input]) -> Events:
        buffer = np.frombuffer(b"".join([frame.body for frame in frames]), dtype=np.uint8)
        ends = np.array([len(frame.body) for frame in frames], dtype=np.int64).cumsum()
        times = np.array([frame.ts for frame in frames], dtype=np.int64)
        event_ends = np.empty(len(frames), dtype=np.int64)
        room = self._for(room_for(len(buffer), len(frames)))
        for number, reason in self._decoder.decode_batch(buffer, ends, times, len(frames), room, event_ends):
            batch.dead.append(DeadLetter(frames[number].ts, reason.name, frames[number].body))
        return room[: event_ends[-1]].copy()

    def _for(self, count: int) -> Events:
        if count > len(self._room):
            self._room = empty(2 * count)
        return self._room

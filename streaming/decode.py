"""decode: bytes to events; what nobody understands is put aside with its reason."""

from __future__ import annotations

import numpy as np

from market.events import Events, empty, picked
from streaming.batch import Batch, DeadLetter
from streaming.input_log import Entry, WakeUp, unpack_frames
from venues.binance.codec import FastDecoder, room_for


class Decode:
    """The feed's compiled decoder over whole wake-ups."""

    def __init__(self, decoder: FastDecoder) -> None:
        self._decoder = decoder
        self._room = empty(1024)

    def __call__(self, wakes: list[WakeUp]) -> list[Batch]:
        """A batch a wake-up, with its events in the order of arrival."""
        return [self._batch(wake) for wake in wakes]

    def _batch(self, wake: WakeUp) -> Batch:
        batch = Batch(wake.ts, [entry for entry in wake.inputs if entry.kind != Entry.FRAMES])
        for entry in wake.inputs:
            if entry.kind == Entry.FRAMES:
                events = self._frames(batch, entry.body)
                batch.events = np.concatenate([batch.events, events]) if len(batch.events) else events
        return batch

    def _frames(self, batch: Batch, body: bytes) -> Events:
        frames = unpack_frames(body)
        count = len(frames.ends)
        if not batch.frames:
            batch.first_recv = int(frames.ts_recv[0])
        batch.frames += count
        need = room_for(len(frames.buffer), count)
        if need > len(self._room):
            self._room = empty(2 * need)
        event_ends = np.empty(count, dtype=np.int64)
        for number, reason in self._decoder.decode_batch(
            frames.buffer, frames.ends, frames.ts_recv, count, self._room, event_ends
        ):
            batch.dead.append(DeadLetter(int(frames.ts_recv[number]), reason.name, frames.frame(number)))
        return picked(self._room, slice(event_ends[-1]))  # the room is used again before the steps below have had these

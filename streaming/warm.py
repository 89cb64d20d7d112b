"""Compiles and touches everything on the hot path before the first frame, on a shard that is thrown away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from execution.journal import MemorySink
from execution.oms import Oms
from signals.strategies.protocol import Strategy
from streaming.engine import Engine, ModelReader
from streaming.input_log import Entry, Frames, Input, WakeUp, pack_frames
from streaming.start import Start
from streaming.track import SNAPSHOT

_FRAMES = (
    b'{"stream":"x@bookTicker","data":{"e":"bookTicker","u":1,"E":1,"T":1,"s":"%s","b":"10","B":"1","a":"11","A":"1"}}',
    b'{"stream":"x@aggTrade","data":{"e":"aggTrade","E":1,"a":1,"s":"%s","p":"10","q":"1","f":1,"l":1,"T":1,"m":true}}',
    b'{"stream":"x@depth","data":{"e":"depthUpdate","E":1,"T":1,"s":"%s","U":1,"u":2,"pu":0,"b":[["10","1"]],"a":[]}}',
)


def warm(start: Start, read_model: ModelReader, strategies: Sequence[Strategy] | None = None) -> None:
    """Runs one message of each kind through the steps of a scratch engine."""
    engine = Engine.build(start, Oms(start.account, start.instruments, MemorySink()), read_model, strategies)
    life = start.instruments[0]
    frames = [frame % life.venue_symbol.encode() for frame in _FRAMES]
    snapshot = SNAPSHOT.pack(life.id) + b'{"lastUpdateId":1,"bids":[["9","1"]],"asks":[["11","1"]]}'
    for take in (1, 3):
        body = pack_frames(of(frames[:take], start.ts))
        engine.run(WakeUp(start.ts, [Input(Entry.FRAMES, start.ts, body), Input(Entry.SNAPSHOT, start.ts, snapshot)]))


def of(frames: list[bytes], ts_recv: int) -> Frames:
    """Frames as one wake-up reads them."""
    return Frames(
        np.frombuffer(b"".join(frames), dtype=np.uint8),
        np.cumsum([len(frame) for frame in frames], dtype=np.int64),
        np.full(len(frames), ts_recv, dtype=np.int64),
    )

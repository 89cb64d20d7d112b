"""Books of the shard: which are proved right, and which need a snapshot."""

from __future__ import annotations

from collections.abc import Sequence

from market.events import Events
from market.instrument import Instrument
from streaming.batch import Ask


class Books:
    """Interim: every book counts as proved once a snapshot came."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._proved = {i.id: False for i in instruments}
        self._asked: set[int] = set()

    def update(self, events: Events, asks: list[Ask]) -> None:
        for i, ok in self._proved.items():
            if not ok and i not in self._asked:
                self._asked.add(i)
                asks.append(Ask("snapshot", i))

    def snapshot(self, instrument: int, body: bytes) -> None:
        self._proved[instrument] = True

    def lost(self) -> None:
        self._asked.clear()
        for i in self._proved:
            self._proved[i] = False

    def proved(self, instrument: int) -> bool:
        return self._proved[instrument]

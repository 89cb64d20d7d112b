"""The shard's order books: fed, proved, and resynchronised by a snapshot whenever they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from infra.errors import TickhouseError
from market import book
from market.events import Events
from market.instrument import Instrument
from market.ladder import STATUS
from streaming.batch import Ask
from streaming.kernels import unlike
from venues.binance.codec import decode_snapshot

log = structlog.get_logger()
_LIVE = int(book.BookStatus.LIVE)


class Books:
    """Books by instrument; asks for a snapshot once, and again when the one that came did not prove the book."""

    def __init__(self, instruments: Sequence[Instrument], ticks: Mapping[int, int]) -> None:
        self._lives = {life.id: life for life in instruments}
        self._ids = list(self._lives)
        self._books = book.Books(self._ids, [ticks.get(id_, 1) for id_ in self._ids], places=1 << 12)
        self._status = self._books.arrays.head[:, STATUS]
        self._proved = np.zeros(len(self._ids), dtype=np.uint8)
        self._asked = np.zeros(len(self._ids), dtype=np.uint8)

    def update(self, events: Events, asks: list[Ask]) -> NDArray[np.int64] | None:
        """Feeds the events; places of the books whose proof came or went, None for none."""
        self._books.apply(events)
        return self._look(asks)

    def snapshot(self, instrument: int, body: bytes, ts_recv: int, asks: list[Ask]) -> NDArray[np.int64] | None:
        """Feeds the venue's depth answer; places as above."""
        self._asked[self._ids.index(instrument)] = 0
        try:
            self._books.apply(decode_snapshot(self._lives[instrument], body, ts_recv))
        except TickhouseError as error:
            log.warning("depth snapshot refused, asking again", problem=str(error)[:300])
        return self._look(asks)

    def lost(self) -> None:
        """The feed is gone: no book can be believed any more."""
        for instrument in self._ids:
            self._books.invalidate(instrument)
        self._proved[:] = 0
        self._asked[:] = 0

    def proved(self, slot: int) -> bool:
        """Whether the book at this place can be believed."""
        return bool(self._proved[slot])

    def _look(self, asks: list[Ask]) -> NDArray[np.int64] | None:
        if not unlike(self._status, _LIVE, self._proved, self._asked):
            return None
        live = (self._status == _LIVE).astype(np.uint8)
        for slot in np.flatnonzero((live == 0) & (self._asked == 0)):
            self._asked[slot] = 1
            asks.append(Ask("snapshot", self._ids[slot]))
        changed = np.flatnonzero(live != self._proved)
        self._proved = live
        return changed

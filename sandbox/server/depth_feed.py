"""Depth streams: one chain of update ids per stream, whatever its pace."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.engine.types import DepthDiff


@dataclass
class DepthChain:
    """Changes gathered since this stream's last event; `take` gives them as one diff that follows on it.

    Binance's resync procedure needs each event to begin where the one before ended: U = previous u + 1 on spot,
    pu = previous u on futures.
    """

    last_sent: int | None = None
    _bids: dict[int, int] = field(default_factory=dict)
    _asks: dict[int, int] = field(default_factory=dict)
    _newest: DepthDiff | None = None
    _first_id: int = 0
    _previous_id: int = 0

    def add(self, diff: DepthDiff) -> None:
        """Take the core's next diff in."""
        if self._newest is None:
            self._first_id = diff.first_id if self.last_sent is None else self.last_sent + 1
            self._previous_id = diff.previous_id if self.last_sent is None else self.last_sent
        self._bids.update(diff.bids)
        self._asks.update(diff.asks)
        self._newest = diff

    def take(self) -> DepthDiff | None:
        """What has gathered, or None when nothing has."""
        newest = self._newest
        if newest is None:
            return None
        whole = DepthDiff(
            newest.market,
            newest.symbol,
            newest.ts_ns,
            self._first_id,
            newest.last_id,
            self._previous_id,
            sorted(self._bids.items(), reverse=True),
            sorted(self._asks.items()),
        )
        self.last_sent = newest.last_id
        self._newest = None
        self._bids.clear()
        self._asks.clear()
        return whole

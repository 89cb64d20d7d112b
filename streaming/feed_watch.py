"""A feed that is down is said again and again; an exchange of our own that came back elsewhere ends the flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from infra.errors import TickhouseError
from streaming.errors import StreamCode

if TYPE_CHECKING:
    from infra.settings import Settings
    from streaming.inlet import Stop

log = structlog.get_logger()
_SAY_NS = 10_000_000_000


@dataclass
class FeedWatch:
    """Asked once a second; `sandbox_url` is where feed and gateway look for the exchange, "" for another venue."""

    settings: Settings
    sandbox_url: str
    stop: Stop
    _down_since: int = 0
    _said: int = 0

    def __call__(self, now: int, *, up: bool) -> None:
        """Warns while the feed is down; asks the flow to end when it cannot come back where we look for it."""
        if up:
            self._down_since = 0
            return
        self._down_since = self._down_since or now
        if now - max(self._down_since, self._said) < _SAY_NS:
            return
        self._said = now
        log.warning("the feed is down: no orders until it is back", seconds=(now - self._down_since) // 10**9)
        if self.sandbox_url and (found := self._address()) not in {"", self.sandbox_url}:
            moved = TickhouseError(StreamCode.EXCHANGE_MOVED, was=self.sandbox_url, now=found)
            log.error("the flow ends", problem=str(moved))
            self.stop.reason, self.stop.wanted = moved.code.name, True

    def _address(self) -> str:
        try:
            return self.settings.sandbox_url
        except TickhouseError:  # no stack: it may come back where it was
            return ""

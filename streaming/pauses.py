"""How long an instrument is left alone after an order that found nobody or was refused: no storm of attempts."""

from __future__ import annotations

_PAUSE_NS = 1_000_000_000
_LONGEST_NS = 64 * _PAUSE_NS


class Pauses:
    """By instrument; each refusal of the same wish doubles the pause."""

    def __init__(self) -> None:
        self._until: dict[int, int] = {}
        self._next: dict[int, int] = {}   # the pause after the next refusal, of those refused last

    def unfilled(self, instrument: int, now: int) -> None:
        """An order ended without being filled."""
        self._until[instrument] = now + _PAUSE_NS

    def refused(self, instrument: int, now: int) -> None:
        """A check refused an order."""
        pause = self._next.get(instrument, _PAUSE_NS)
        self._until[instrument] = now + pause
        self._next[instrument] = min(2 * pause, _LONGEST_NS)

    def other_wish(self, instrument: int, now: int) -> None:
        """Something else is wanted: it need not wait longer than the first refusal's pause."""
        if self._next.pop(instrument, 0):
            self._until[instrument] = min(self._until[instrument], now + _PAUSE_NS)

    def sent(self, instrument: int) -> None:
        """An order went out."""
        self._next.pop(instrument, None)

    def waits(self, instrument: int, now: int) -> bool:
        """Whether its pause has not ended."""
        return now < self._until.get(instrument, 0)

    def was_refused(self, instrument: int) -> bool:
        """Whether the last attempt was refused."""
        return instrument in self._next

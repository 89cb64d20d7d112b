"""Does a venue begin where it is asked to? Some give their newest rows whatever the start, and ccxt hides it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from infra.errors import TickhouseError
from venues.errors import VenueCode

if TYPE_CHECKING:
    from venues.exchange import Guard

Row = TypeVar("Row")
_FEW = 20        # a venue that gives less has nothing else: no page is that small
_SOON_MS = 60_000


class Beginning:
    """Looks at the first pages of one venue's dataset, until it is known to honour `since`."""

    def __init__(self, exchange: Any, what: str) -> None:
        self._exchange, self._what = exchange, what
        self._trusted = False

    def check(
        self, ask: Callable[[int, int], list[Row]], page: list[Row], wanted_ms: int, time_of: Callable[[Row], int],
        name_of: Callable[[Row], Hashable],
    ) -> None:
        """VENUE_SINCE_IGNORED where a page that begins long after the time asked for is only the newest one.

        `ask(since, limit)` asks again, for fewer: a venue that begins at `since` answers with the same first row, one
        that goes back from now begins later. One that gives as many as before is asked from the middle of the page: it
        honours that where it goes on well beyond the page's end; where the page is its newest one, there is no more.
        """
        first_ms = min(map(time_of, page), default=0)
        if self._trusted or len(page) < _FEW or first_ms <= wanted_ms + _SOON_MS:
            return
        rows, _ = _seen(getattr(self._exchange, "on_rest_response", None), len(page))
        fewer = ask(wanted_ms, max(2, len(page) // 2))
        honoured = not fewer or name_of(fewer[0]) == name_of(page[0])
        if honoured and fewer and _seen(getattr(self._exchange, "on_rest_response", None), len(fewer))[0] >= rows:
            middle = time_of(page[len(page) // 2])
            beyond = sum(time_of(row) > time_of(page[-1]) for row in ask(middle, rows))
            honoured = beyond >= len(page) // 4
        if not honoured:
            raise TickhouseError(
                VenueCode.VENUE_SINCE_IGNORED, venue=self._exchange.id, request=self._what, wanted=wanted_ms,
                got=first_ms,
            )
        self._trusted = True


class Repeats:
    """Notices that a venue answers a later question with the page before, as a broken cache does."""

    def __init__(self, exchange: Any, what: str) -> None:
        self._exchange, self._what = exchange, what
        self._before = b""

    def page(self, ask: Callable[[], list[Row]], limit: int) -> list[Row]:
        """What `ask` gives; asked once more where it is the page before, and then VENUE_PAGE_REPEATED.

        Only a page of `limit` rows: one with fewer or more is all that the venue has, whatever is asked.
        """
        for _ in range(2):
            page = ask()
            rows, digest = _seen(getattr(self._exchange, "on_rest_response", None), len(page))
            if rows != limit or not digest or digest != self._before:
                self._before = digest
                return page
        raise TickhouseError(VenueCode.VENUE_PAGE_REPEATED, venue=self._exchange.id, request=self._what)


def _seen(guard: Guard | None, otherwise: int) -> tuple[int, bytes]:
    """Rows of the answer as it came, before ccxt left out those it was not asked for, and their digest."""
    rows, digest = getattr(guard, "rows", otherwise), getattr(guard, "digest", b"")
    return int(rows), bytes(digest)

"""Pictures for the digest: the last weeks of the instruments that an entry names, by their state."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from assets import coverage_log, coverage_picture
from infra.errors import TickhouseError
from infra.mail import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

MOST = 4                    # pictures of a digest
_DAYS, _ROWS = 60, 12
_WIDTH = 8.4                # inches: what a mail shows without scrolling


_Asked = tuple[str, str, tuple[int, ...], date, date]


class Album:
    """At most `MOST` pictures for one digest, each with a name of its own; the same one is drawn once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._drawn: dict[_Asked, Picture] = {}

    def strip(self, venue: str, dataset: str, instruments: Sequence[int], first: date, last: date) -> Picture | None:
        """The days up to `last`, from `first`, or 60 days before where that many are told of.

        None where there is nothing to show, or no room.
        """
        asked = (venue, dataset, tuple(instruments[:_ROWS]), first, last)
        if asked in self._drawn or len(self._drawn) >= MOST:
            return self._drawn.get(asked)
        since = min(first, last - timedelta(days=_DAYS - 1))
        try:
            grids = coverage_log.grids(self._client, dataset, venue, since=since, until=last)
        except TickhouseError:  # COVERAGE_UNKNOWN: verdicts about days that never came to the ingest log
            return None
        grid = next((one for one in grids if one.dataset == dataset), None)
        if grid is None:
            return None
        part = grid.part(min(first, grid.first_told), last, list(instruments)[:_ROWS])
        if not part.marks.size:
            return None
        title = f"{part.name}, {part.first} to {part.last}"
        picture = Picture(f"coverage-{len(self._drawn) + 1}", coverage_picture.draw(part, width=_WIDTH, title=title))
        self._drawn[asked] = picture
        return picture

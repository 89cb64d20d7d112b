"""Which days of which lives a run is after: a life is asked for its own days only, by the symbol it had then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.errors import AssetCode
from assets.ingest import days as calendar
from infra.errors import TickhouseError
from market.dataset import Dataset
from market.instrument import InstrumentKind, market_of
from market.lives import begins, on_day
from venues.source import Request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from assets.ingest.feeds import Subject
    from market.instrument import Instrument

FOREVER = (1 << 63) - 1
SERIES = "series"  # stands for the venue where a series belongs to none


@dataclass(frozen=True, slots=True)
class Wanted:
    """Days of one subject of one life, in order."""

    subject: Subject
    life: Instrument
    days: list[date]
    since: int = 0        # the life's first and last moment, ns: days are cut to them
    until: int = FOREVER

    def request(self, first: date, last: date) -> Request:
        """What the source is asked for these days."""
        return Request(
            self.subject.dataset, self.life, max(calendar.start_ns(first), self.since),
            min(calendar.start_ns(last) + calendar.DAY_NS, self.until), self.subject.interval_s, self.subject.series,
        )


def of_symbols(
    subjects: Sequence[Subject], lives: Sequence[Instrument], venue: str, symbols: Sequence[str], days: Sequence[date]
) -> list[Wanted]:
    """The days of each life of `symbols`, life by life; a day before a listing or after a delisting is nobody's.

    INGEST_INSTRUMENTS_MISSING names symbols that were never recorded.
    """
    known = [life for life in lives if life.venue == venue]
    if missing := sorted(set(symbols) - {life.symbol for life in known}):
        raise TickhouseError(AssetCode.INGEST_INSTRUMENTS_MISSING, venue=venue, symbols=",".join(missing))
    found = []
    for symbol in symbols:
        for number, life in enumerate(on_day(known, venue, symbol, 0, FOREVER)):
            since, until = begins(life, first=number == 0), life.valid_to or FOREVER
            own = [day for day in days if calendar.start_ns(day) < until
                   and calendar.start_ns(day) + calendar.DAY_NS > since]
            found += [Wanted(subject, life, own, since, until) for subject in subjects if own and _has(life, subject)]
    return found


def _has(life: Instrument, subject: Subject) -> bool:
    """Whether there can be such data of it: what is paid for at once has neither funding nor open interest."""
    of_derivatives = subject.dataset in {Dataset.FUNDING_RATES, Dataset.OPEN_INTEREST}
    return not (of_derivatives and life.kind is InstrumentKind.SPOT)


def of_index(
    subjects: Sequence[Subject], symbol_column: str, lives: Sequence[Instrument], days: Sequence[date]
) -> list[Wanted]:
    """The days of a series: of the market as a whole, or of every life that was there where rows name instruments."""
    if not symbol_column:
        return [Wanted(subject, market_of(SERIES), list(days)) for subject in subjects if days]
    named = sorted({(life.venue, life.symbol) for life in lives})
    return [one for venue, symbol in named for one in of_symbols(subjects, lives, venue, [symbol], days)]

"""All ingest assets of a configuration: the trading venue's, and those that config/sources.toml names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from assets.ingest import definitions as ingest
from assets.ingest import feeds, instruments
from assets.ingest.feeds import Feed
from infra.errors import TickhouseError
from infra.settings import Venue
from venues.catalogue import Catalogue
from venues.errors import VenueCode


@dataclass(frozen=True, slots=True)
class Taken:
    """One venue through its REST interface."""

    venue: str
    symbols: tuple[str, ...]
    feeds: tuple[Feed, ...]
    start: date | None = None


def build(
    venue: Venue, catalogue: Catalogue, daily: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Every venue's instruments, REST feeds, bulk files and series; SOURCES_INVALID for files named like a feed."""
    by_rest = rest(venue, catalogue)
    taken = {(one.venue, feed.asset) for one in by_rest for feed in one.feeds}
    for entry in catalogue.files:
        if entry.name == "instruments" or (entry.venue, entry.name) in taken:
            raise TickhouseError(
                VenueCode.SOURCES_INVALID, key=f"files.{entry.name}.name",
                problem=f"{entry.venue}/{entry.name} is an asset already: give the files another name",
            )
    asked = {one.venue for one in by_rest}
    only_files = sorted({entry.venue for entry in catalogue.files} - asked)
    return [
        *(instruments.build(one.venue, _symbols(one.venue, one.symbols, catalogue), ingest.pool(one.venue))
          for one in by_rest),
        *(instruments.build(name, _symbols(name, (), catalogue), ingest.pool(name), asks=False)
          for name in only_files),
        *(ingest.asset(ingest.rest(one.venue, one.symbols, feed, one.start), daily)
          for one in by_rest for feed in one.feeds),
        *(ingest.asset(ingest.files(entry), daily) for entry in catalogue.files),
        *(ingest.asset(ingest.index(entry), daily) for entry in catalogue.index),
    ]


def rest(venue: Venue, catalogue: Catalogue) -> list[Taken]:
    """The trading venue first; an entry of its name adds symbols and feeds to it."""
    own_feeds = feeds.of_venue(venue.name, venue.symbols)
    found = {venue.name: Taken(venue.name, tuple(venue.symbols), own_feeds, venue.history_start)}
    for entry in catalogue.rest:
        more = feeds.of_catalogue(entry.feeds)
        own = found.get(entry.venue)
        if own is None:
            found[entry.venue] = Taken(entry.venue, entry.symbols, more, entry.history_start)
        else:
            have = {feed.asset for feed in own.feeds}
            found[entry.venue] = Taken(
                own.venue, tuple(dict.fromkeys((*own.symbols, *entry.symbols))),
                (*own.feeds, *(feed for feed in more if feed.asset not in have)), own.start,
            )
    return list(found.values())


def first_day(venue: Venue, catalogue: Catalogue) -> date:
    """The earliest day that any of them begins with: Dagster wants one set of days for assets of one job."""
    starts = [venue.history_start, *(one.history_start for one in catalogue.rest),
              *(one.history_start for one in catalogue.files), *(one.history_start for one in catalogue.index)]
    return min(start for start in starts if start)


def _symbols(venue: str, own: Sequence[str], catalogue: Catalogue) -> tuple[str, ...]:
    """Of the REST entry and of all files of that venue."""
    of_files = (symbol for entry in catalogue.files if entry.venue == venue for symbol in entry.symbols)
    return tuple(dict.fromkeys((*own, *of_files)))

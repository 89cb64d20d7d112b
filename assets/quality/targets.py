"""Which ingest assets are judged beside other data, and how their days are called in the ingest log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from assets.ingest import everything, subjects
from market.dataset import Dataset

if TYPE_CHECKING:
    from assets.ingest.feeds import Subject
    from infra.settings import Venue
    from venues.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Target:
    """A dataset of a venue, as one asset brings it in."""

    key: dg.AssetKey
    venue: str
    subject: Subject
    symbols: tuple[str, ...] = ()


def every(venue: Venue, catalogue: Catalogue) -> list[Target]:
    """All datasets that the ingest assets of this configuration bring in, series aside."""
    found = [
        Target(dg.AssetKey([one.venue, feed.asset]), one.venue, feed.subject, one.symbols)
        for one in everything.rest(venue, catalogue) for feed in one.feeds
    ]
    found += [
        Target(dg.AssetKey([entry.venue, entry.name]), entry.venue, subject, entry.symbols)
        for entry in catalogue.files for subject in subjects.of_files(entry)
    ]
    return [target for target in found if target.subject.dataset is not Dataset.SERIES]


def crossed(targets: list[Target]) -> list[Target]:
    """Those that have something to be held against: bars and funding."""
    return [target for target in targets if target.subject.dataset in {Dataset.BARS, Dataset.FUNDING_RATES}]


def beside(target: Target, targets: list[Target]) -> list[dg.AssetKey]:
    """Assets whose data a check of `target` is to wait for: the venue's trades and bars, and bars of other venues.

    Only those that come before it in one order of all: two that waited for each other's checks could not be planned.
    """
    wanted = {Dataset.TRADES, Dataset.BARS}
    own = _place(target.key, targets)
    keys = {
        other.key for other in targets
        if other.subject.dataset in wanted and _place(other.key, targets) < own
        and (other.venue == target.venue or other.subject == target.subject)
    }
    return sorted(keys)


def _place(key: dg.AssetKey, targets: list[Target]) -> tuple[int, int, list[str]]:
    """Trades come first, then bars by interval, then the rest; by name where that is equal."""
    first = {Dataset.TRADES: 0, Dataset.BARS: 1}
    ranks = [(first.get(one.subject.dataset, 2), one.subject.interval_s) for one in targets if one.key == key]
    return *min(ranks), list(key.path)

"""The ingest assets: a venue's instruments, and one asset a dataset, partitioned by day."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets.ingest import days as calendar
from assets.ingest import feeds, instruments, load, run, subjects, wanted
from assets.ingest.feeds import Feed
from assets.ingest.troubles import Terms
from assets.resources import ClickHouse, Sources
from infra import settings as configuration
from infra.home import Home
from market.dataset import Dataset
from store import instruments as store
from venues import catalogue
from venues.source import opened

if TYPE_CHECKING:
    from market.instrument import Instrument
    from venues.source import Source

GROUP = "ingest"


class Recheck(dg.Config):
    """How an ingest treats days that are whole."""

    recheck: bool = False  # True: ask for them again, and take what changed as revisions


@dataclass(frozen=True, slots=True)
class Ingest:
    """One asset: where its history comes from, and of what."""

    key: dg.AssetKey
    table: str
    description: str
    pool: str
    after: Sequence[dg.AssetKey]
    open: "Callable[[Sources], Source]"
    want: "Callable[[Sequence[Instrument], Sequence[date]], list[wanted.Wanted]]"
    terms: Terms = field(default_factory=Terms)
    start: date | None = None  # days before it are not asked for


def build(
    venue: str, symbols: Sequence[str], daily: dg.PartitionsDefinition[str], of: Sequence[Feed] | None = None,
) -> list[dg.AssetsDefinition]:
    """The assets of one REST venue, named `<venue>/<feed>`: its instruments, and its feeds one at a time."""
    found = feeds.of_venue(venue, symbols) if of is None else of
    return [instruments.build(venue, symbols, pool(venue)), *(asset(rest(venue, symbols, one), daily) for one in found)]


def pool(venue: str) -> str:
    """The pool that keeps two runs from asking one venue at once: its rate limit is shared by all."""
    return f"venue_{venue}"


def rest(venue: str, symbols: Sequence[str], feed: Feed, start: date | None = None) -> Ingest:
    """One feed of a REST venue."""
    return Ingest(
        dg.AssetKey([venue, feed.asset]), str(feed.dataset), feed.description, pool(venue),
        [dg.AssetKey([venue, "instruments"])], lambda sources: sources.rest(venue, symbols),
        lambda lives, days: wanted.of_symbols([feed.subject], lives, venue, symbols, days), start=start,
    )


def files(entry: catalogue.Files) -> Ingest:
    """Bulk files, by their entry in config/sources.toml."""
    return Ingest(
        dg.AssetKey([entry.venue, entry.name]), entry.format, f"Files of the format {entry.format}",
        f"files_{entry.venue}_{entry.name}", [dg.AssetKey([entry.venue, "instruments"])],
        lambda sources: sources.files(entry),
        lambda lives, days: wanted.of_symbols(subjects.of_files(entry), lives, entry.venue, entry.symbols, days),
        Terms(entry.lag_s, entry.required), entry.history_start,
    )


def index(entry: catalogue.Index) -> Ingest:
    """A dated series, by its entry in config/sources.toml."""
    return Ingest(
        dg.AssetKey(["series", entry.name]), str(Dataset.SERIES), f"{', '.join(entry.columns)} from {entry.url}",
        f"series_{entry.name}", [], lambda sources: sources.index(entry),
        lambda lives, days: wanted.of_index(subjects.of_index(entry), entry.symbol, lives, days),
        start=entry.history_start,
    )


def asset(ingest: Ingest, daily: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The Dagster asset of one ingest, with its blocking check."""
    check = dg.AssetCheckSpec(
        "quality", asset=ingest.key, blocking=True, description="Great Expectations, before publishing"
    )

    @dg.asset(
        key=ingest.key, group_name=GROUP, pool=ingest.pool, kinds={"clickhouse"}, description=ingest.description,
        partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run(), deps=list(ingest.after),
        check_specs=[check], output_required=False, metadata={"dagster/table_name": ingest.table},
    )
    def ingested(
        context: dg.AssetExecutionContext, config: Recheck, clickhouse: ClickHouse, sources: Sources
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        asked = calendar.from_keys(context.partition_keys)
        days = [day for day in asked if not ingest.start or day >= ingest.start]
        staging = Home(configuration.load().home).staging
        with clickhouse.client() as client, opened(ingest.open(sources)) as source:
            after = ingest.want(store.spells(client), days)
            steps = load.load(
                client, source, after, ingest.terms, context.run.run_id, staging, recheck=config.recheck
            )
            yield from run.follow(context, ingest.key, days, steps, whole=len(days) == len(asked))

    return ingested

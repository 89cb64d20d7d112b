"""Sealing: what the live flow recorded of a day is held against the venue's word, and its holes are filled."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets import seal_compare, seal_log
from assets.errors import AssetCode
from assets.ingest import days as calendar
from assets.ingest import definitions as ingest
from assets.ingest import held, report, run
from assets.ingest.feeds import Subject
from assets.ingest.fetch import Fetcher
from assets.ingest.outcome import Change, Trouble
from assets.ingest.publish import Press
from assets.ingest.wanted import Wanted
from assets.resources import ClickHouse, Sources
from assets.seal_compare import GOAL_PPM
from infra import settings as configuration
from infra.errors import TickhouseError
from infra.home import Home
from market.dataset import Dataset
from store import ingest_log, instruments
from store.ingest_log import IngestEntry, IngestState
from venues.source import opened

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from market.instrument import Instrument

GROUP = "seal"
_TRADES = Subject(Dataset.TRADES)


@dataclass(frozen=True, slots=True)
class Sealed:
    """One instrument's day."""

    symbol: str
    day: date
    state: IngestState
    change: Change
    found: seal_compare.Trades


def build(venue: str, symbols: Sequence[str], daily: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """The asset `<venue>/trades_sealed`: run before the venue's trades, it saves asking for the same day twice."""
    key = dg.AssetKey([venue, "trades_sealed"])
    check = dg.AssetCheckSpec("loss", asset=key, description=f"Fewer than {GOAL_PPM} of a million trades unheard")

    @dg.asset(
        key=key, group_name=GROUP, pool=ingest.pool(venue), kinds={"clickhouse"}, partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(), deps=[dg.AssetKey([venue, "instruments"])],
        check_specs=[check], output_required=False, metadata={"dagster/table_name": str(Dataset.TRADES)},
        description="Live trades of the day compared with the venue's by id, holes filled, loss measured",
    )
    def sealed(
        context: dg.AssetExecutionContext, config: ingest.Recheck, clickhouse: ClickHouse, sources: Sources
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        days, done, troubles = calendar.from_keys(context.partition_keys), [], []
        staging = Home(configuration.load().home).staging
        with run.stops_at_once(key), clickhouse.client() as client, opened(sources.rest(venue, symbols)) as source:
            lives = {life.id: life for life in instruments.load(client) if life.venue == venue}
            for day in days:
                wanted = [Wanted(_TRADES, lives[life], [day])
                          for life in sorted(seal_log.recorded(client, Dataset.TRADES, day) & lives.keys())]
                known = held.load(client, venue, wanted)
                press = Press(client, source, venue, known, context.run.run_id)
                for one in wanted:
                    entry = known.get((_TRADES.label, one.life.id, day))
                    if entry and entry.detail.startswith(seal_log.SEALED) and not config.recheck:
                        context.log.info("%s %s is sealed: %s", one.life.symbol, day, entry.detail)
                        continue
                    try:
                        done.append(seal(press, Fetcher(source, known, staging), one))
                    except TickhouseError as error:
                        troubles.append(Trouble(one, {day: error}))
                        context.log.error(str(troubles[-1]))  # noqa: TRY400 - one line a failure
                _updates(context, client, list(lives.values()), day)
        yield dg.AssetCheckResult(
            check_name="loss", asset_key=key, passed=all(one.found.good for one in done),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"worst_ppm": max((one.found.loss_ppm for one in done), default=0)},
        )
        for day in days:
            context.add_asset_metadata(_metadata([one for one in done if one.day == day]), key, day.isoformat())
        if troubles:
            raise dg.Failure(
                str(TickhouseError(AssetCode.INGEST_INCOMPLETE, asset=key.to_user_string(), troubles=len(troubles),
                                   first=str(troubles[0]))),
                metadata={"troubles": report.of_troubles(troubles)}, allow_retries=False,
            )
        yield dg.MaterializeResult()

    return [sealed]


def seal(press: Press, fetcher: Fetcher, wanted: Wanted) -> Sealed:
    """Asks the venue for the day, publishes what was not heard, and records how much that was.

    A day that the gate keeps out, or that still runs, is published as an ingest would but not called sealed.
    """
    (day,) = wanted.days
    live = seal_log.trades(press.client, wanted.life, day)
    (chunk,) = fetcher.fetch(wanted, [day], {})
    found = seal_compare.trades(live, chunk.frame)
    (outcome,) = press.chunks([chunk]).outcomes
    if outcome.state is IngestState.COMPLETE:
        detail = (f"{seal_log.SEALED} loss_ppm={found.loss_ppm} heard={found.heard} lost={found.lost}"
                  f" differing={found.differ} unknown={found.unknown}")
        last = held.load(press.client, press.venue, [wanted])[_TRADES.label, wanted.life.id, day]
        if last.detail != detail:
            ingest_log.record(press.client, [IngestEntry(
                _TRADES.label, press.venue, wanted.life.id, day, last.state, last.rows, last.content_hash, last.source,
                press.run_id, detail,
            )])
    return Sealed(wanted.life.symbol, day, outcome.state, outcome.change, found)


def _updates(context: dg.AssetExecutionContext, client: "Client", lives: Sequence["Instrument"], day: date) -> None:
    """Measures quotes and book updates, of which no venue tells afterwards."""
    for dataset in (Dataset.QUOTES, Dataset.BOOK_DELTAS):
        there = seal_log.recorded(client, dataset, day)
        mine = [life for life in lives if life.id in there]
        wanted = [Wanted(Subject(dataset), life, [day]) for life in mine]
        known = held.load(client, mine[0].venue, wanted) if mine else {}
        for life in mine:
            found = seal_log.seal_updates(client, dataset, life, day, known, context.run.run_id)
            context.log.info(
                "%s %s %s: %d rows, %d holes, longest silence %.1f s", life.symbol, dataset, day, found.rows,
                found.holes, found.longest_silence_s,
            )


def _metadata(done: Sequence[Sealed]) -> dict[str, dg.MetadataValue | int | str]:
    told: dict[str, dg.MetadataValue | int | str] = {
        "dagster/partition_row_count": sum(one.found.told for one in done),
        "holes_filled": sum(one.found.told - one.found.heard for one in done),
    }
    if done:
        told["loss_ppm"] = max(one.found.loss_ppm for one in done)
        told["instruments"] = report.table([
            {"symbol": one.symbol, "state": one.state.label, "change": str(one.change), "loss_ppm": one.found.loss_ppm,
             "heard": one.found.heard, "told": one.found.told, "lost": one.found.lost, "differing": one.found.differ,
             "unknown": one.found.unknown, "first_differing": "; ".join(one.found.differing)[:300]}
            for one in done
        ])
    return told

"""The ingest assets of one venue: its instruments, and one asset a feed, partitioned by day."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets.errors import AssetCode
from assets.ingest import days as calendar
from assets.ingest import load
from assets.ingest.feeds import FEEDS, Feed
from assets.ingest.load import DayOutcome
from assets.resources import ClickHouse, VenueSource
from infra.errors import TickhouseError
from quality import gate
from quality.errors import QualityCode
from store import instruments as lives
from store.ingest_log import IngestState

if TYPE_CHECKING:
    from market.instrument import Instrument

GROUP = "ingest"


def build(venue: str, symbols: Sequence[str], daily: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """All ingest assets of `venue`, named `<venue>/<feed>`, one at a time by the venue's pool."""
    return [_instruments(venue, symbols), *(_feed(venue, symbols, feed, daily) for feed in FEEDS)]


def pool(venue: str) -> str:
    """The pool that keeps two runs from asking one venue at once."""
    return f"venue_{venue}"


def _instruments(venue: str, symbols: Sequence[str]) -> dg.AssetsDefinition:
    @dg.asset(
        key=[venue, "instruments"], group_name=GROUP, pool=pool(venue), kinds={"clickhouse"},
        # Not partitioned, but without it a run over a range of days may not select it beside the feeds.
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="What the venue trades: lives with their scales, and the rules that changed",
    )
    def instruments(clickhouse: ClickHouse, source: VenueSource) -> dg.MaterializeResult[None]:
        specs = source.open().instruments(list(symbols))
        with clickhouse.client() as client:
            found = lives.record(client, specs)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found),
                "instruments": _table(
                    [
                        {"id": life.id, "symbol": life.symbol, "kind": life.kind.name.lower(),
                         "price_scale": life.price_scale, "qty_scale": life.qty_scale}
                        for life in found
                    ]
                ),
            }
        )

    return instruments


def _feed(
    venue: str, symbols: Sequence[str], feed: Feed, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    key = dg.AssetKey([venue, feed.asset])
    check = dg.AssetCheckSpec("quality", asset=key, blocking=True, description="Great Expectations, before publishing")

    @dg.asset(
        key=key, group_name=GROUP, pool=pool(venue), kinds={"clickhouse"}, description=feed.description,
        partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[dg.AssetKey([venue, "instruments"])], check_specs=[check], output_required=False,
        metadata={"dagster/table_name": str(feed.dataset)},
    )
    def ingest(
        context: dg.AssetExecutionContext, clickhouse: ClickHouse, source: VenueSource
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        opened = source.open()
        outcomes, findings = [], []
        with clickhouse.client() as client:
            known = _living(venue, symbols, lives.load(client))
            days = calendar.from_keys(context.partition_keys)
            for done, found in load.load(client, opened, feed, known, days, context.run.run_id):
                outcomes += done
                findings += found
                context.log.info(_line(done))
        yield gate.check_result(findings, "quality", key)
        bad = {o.day for o in outcomes if o.state is IngestState.QUARANTINED}
        told = {day: _metadata([o for o in outcomes if o.day == day]) for day in days}
        if bad:
            # The good days are published although the run fails: Dagster is told so, day by day.
            for day in sorted(set(days) - bad):
                context.log_event(dg.AssetMaterialization(key, partition=day.isoformat(), metadata=told[day]))
            raise dg.Failure(
                str(TickhouseError(QualityCode.DATA_QUARANTINED, asset=key.to_user_string(), days=len(bad),
                                   first=min(bad))),
                metadata=_metadata([o for o in outcomes if o.day in bad]), allow_retries=False,
            )
        for day, metadata in told.items():
            context.add_asset_metadata(metadata, key, day.isoformat())
        yield dg.MaterializeResult()

    return ingest


def _living(venue: str, symbols: Sequence[str], known: Sequence["Instrument"]) -> list["Instrument"]:
    """The living instruments of `symbols`, in their order; INGEST_INSTRUMENTS_MISSING if one is not recorded."""
    by_symbol = {life.symbol: life for life in known if life.venue == venue and not life.valid_to}
    if missing := [symbol for symbol in symbols if symbol not in by_symbol]:
        raise TickhouseError(AssetCode.INGEST_INSTRUMENTS_MISSING, venue=venue, symbols=",".join(missing))
    return [by_symbol[symbol] for symbol in symbols]


def _metadata(outcomes: Sequence[DayOutcome]) -> dict[str, dg.MetadataValue | int | str]:
    """What the UI shows of a day: its rows, what changed, and a line an instrument."""
    return {
        "dagster/partition_row_count": sum(o.rows for o in outcomes),
        "rows_written": sum(o.written for o in outcomes),
        "changes": ", ".join(f"{count} {name}" for name, count in Counter(str(o.change) for o in outcomes).items()),
        "instruments": _table(
            [
                {"symbol": o.symbol, "day": o.day.isoformat(), "state": o.state.label, "change": str(o.change),
                 "rows": o.rows, "written": o.written}
                for o in outcomes
            ]
        ),
    }


def _table(rows: list[dict[str, str | int]]) -> dg.MetadataValue:
    columns = [dg.TableColumn(name, "int" if isinstance(value, int) else "string")
               for name, value in (rows[0] if rows else {}).items()]
    return dg.TableMetadataValue([dg.TableRecord(row) for row in rows], dg.TableSchema(columns))


def _line(done: Sequence[DayOutcome]) -> str:
    changes = Counter(str(o.change) for o in done)
    rows = sum(o.rows for o in done)
    return f"{done[0].symbol} {done[0].day}..{done[-1].day}: {rows} rows, days {dict(changes)}"

"""The instruments of a venue: what people declared, and what the venue says about the rest."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Sequence

import dagster as dg

from assets.ingest import report
from assets.resources import ClickHouse, Sources
from infra import settings as configuration
from infra.errors import TickhouseError
from store import instruments as lives
from venues.errors import VenueCode

GROUP = "ingest"


def build(venue: str, symbols: Sequence[str], pool: str, *, asks: bool = True) -> dg.AssetsDefinition:
    """The asset `<venue>/instruments`; without `asks` the venue is asked only for symbols that nobody declared."""

    @dg.asset(
        key=[venue, "instruments"], group_name=GROUP, pool=pool, kinds={"clickhouse"},
        # Not partitioned, but without it a run over a range of days may not select it beside the feeds.
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="What the venue trades: lives with their scales, and the rules that changed",
    )
    def instruments(clickhouse: ClickHouse, sources: Sources) -> dg.MaterializeResult[None]:
        with clickhouse.client() as client:
            lives.declare(client, configuration.PROJECT / "config" / "instruments.toml",
                          [(venue, symbol) for symbol in symbols])
            known = [life for life in lives.load(client) if life.venue == venue]
            ended = {life.symbol for life in known} - {life.symbol for life in known if not life.valid_to}
            wanted = [symbol for symbol in symbols if asks or symbol not in {life.symbol for life in known}]
            if set(wanted) - ended:
                source = sources.rest(venue, symbols)
                specs = source.instruments(wanted)
                listed = {spec.symbol for spec in specs}
                if unknown := set(wanted) - listed - {life.symbol for life in known}:
                    raise TickhouseError(VenueCode.VENUE_SYMBOL_UNKNOWN, venue=venue, symbol=",".join(sorted(unknown)))
                lives.record(client, specs)
                # A symbol that the venue drops from its list is delisted; one that returns is another life.
                lives.close_missing(client, venue, wanted, listed, source.now())
            found = [life for life in lives.load(client) if life.venue == venue and life.symbol in symbols]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found),
                "instruments": report.table(
                    [
                        {"id": life.id, "symbol": life.symbol, "kind": life.kind.name.lower(),
                         "price_scale": life.price_scale, "qty_scale": life.qty_scale}
                        for life in found
                    ]
                ),
            }
        )

    return instruments

"""The one Definitions of the code location, merged from small builders."""

import warnings

import dagster as dg

from assets import coverage, features, marts, models, risk_report, seal
from assets.ingest import everything as ingest
from assets.quality import definitions as quality
from infra import settings as configuration
from orchestration import alerts, alerts_freshness, housekeeping, jobs, partitions, resources
from venues import catalogue


@dg.definitions
def tickhouse() -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors, for the venue of the settings and config/sources.toml."""
    settings = configuration.load()
    venue, sources = settings.venue, catalogue.load(settings.sources)
    days = partitions.daily(ingest.first_day(venue, sources))
    with warnings.catch_warnings():
        # One line an asset at every start: single-run backfills are what the partitions are built on.
        warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
        assets = [
            *alerts_freshness.watched(ingest.build(venue, sources, days)),
            *features.build(venue.name, venue.symbols, days),
            *models.build(venue.name, venue.symbols),
            *marts.build(marts.written(venue, sources)),
            *risk_report.build(venue.name, venue.symbols, days),
            *seal.build(venue.name, venue.symbols, days),
        ]
        covered = coverage.definitions(assets)
    return dg.Definitions.merge(
        dg.Definitions(
            assets=assets,
            resources=resources.build(),
            # A process a step costs 3 to 6 seconds; the work inside is compiled or in other processes anyway.
            executor=dg.in_process_executor,
        ),
        jobs.build(venue.name),
        covered,
        quality.definitions(venue, sources, days),
        alerts.definitions(),
        housekeeping.definitions(assets),
    )

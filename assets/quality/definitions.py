"""The check `cross` of each asset of bars and funding: its days held against the other data there is; and the rest."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

import dagster as dg

from assets.quality import pending, repair_job, scored, targets
from assets.quality.crossing import Crossing
from assets.quality.targets import Target
from assets.resources import ClickHouse
from infra.settings import Venue
from market.dataset import Dataset, label
from quality import record, report
from quality.gate import Finding
from store import ingest_log, instruments
from store.ingest_log import IngestState
from venues.catalogue import Catalogue

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NAME = "cross"
CHUNK = 31  # days of an instrument judged at once
_EVER = (date(1970, 1, 1), date(2100, 1, 1))
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_ONE = "dagster/partition"


def definitions(venue: Venue, catalogue: Catalogue, daily: dg.PartitionsDefinition[str]) -> dg.Definitions:
    """Checks between datasets, the scores of their days, and the job `repair`."""
    every = targets.every(venue, catalogue)
    return dg.Definitions.merge(
        dg.Definitions(asset_checks=build(venue, catalogue), jobs=[repair_job.build(every)]),
        scored.definitions(every, daily),
    )


def build(venue: Venue, catalogue: Catalogue) -> list[dg.AssetChecksDefinition]:
    """A blocking check for each asset of bars or funding."""
    every = targets.every(venue, catalogue)
    return [_check(target, targets.beside(target, every)) for target in targets.crossed(every)]


def span(tags: "dict[str, str] | None") -> tuple[date, date]:
    """The days of the run's partitions; all days for a run without."""
    told = tags or {}
    if _ONE in told:
        day = date.fromisoformat(told[_ONE])
        return day, day
    if _RANGE[0] in told:
        return date.fromisoformat(told[_RANGE[0]]), date.fromisoformat(told[_RANGE[1]])
    return _EVER


def cross(client: "Client", target: Target, first: date, last: date, run_id: str) -> list[Finding]:
    """Findings on the days that changed since they were last looked at; verdicts and states are written."""
    name, venue = target.subject.label, target.venue
    found: list[Finding] = []
    crossing = Crossing(client, target, instruments.load(client), run_id)
    changed = pending.days(client, name, venue, _beside(target), first, last)
    for _, group in groupby(changed, key=lambda one: one.instrument):
        days = list(group)
        for at in range(0, len(days), CHUNK):
            done = crossing.instrument(days[at : at + CHUNK])
            # States before verdicts: the verdict is what says that the day needs no other look.
            ingest_log.record(client, done.entries)
            record.findings(client, name, venue, done.findings, run_id)
            found += done.findings
    return found


def _beside(target: Target) -> Sequence[str]:
    if target.subject.dataset is Dataset.FUNDING_RATES:
        return [label(Dataset.BARS)]
    finer = [label(Dataset.BARS, one) for one in (60, 300, 900, 3_600) if one < target.subject.interval_s]
    return [label(Dataset.TRADES), *finer]


def _check(target: Target, beside: Sequence[dg.AssetKey]) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=target.key, name=NAME, blocking=True, additional_deps=list(beside),
        description="Held against trades, other intervals and other venues; an ERROR quarantines the day",
    )
    def check(context: dg.AssetCheckExecutionContext, clickhouse: ClickHouse) -> dg.AssetCheckResult:
        first, last = span(dict(context.run.tags))
        with clickhouse.client() as client:
            found = cross(client, target, first, last, context.run.run_id)
            standing = [
                one for one in pending.latest(client, target.subject.label, target.venue, first, last)
                if one.state is IngestState.QUARANTINED and one.detail.startswith(f"{NAME}=")
            ]
        result = report.check_result(found, NAME, target.key)
        # A day that an earlier run quarantined is still quarantined, though nothing changed since.
        return dg.AssetCheckResult(
            check_name=NAME, asset_key=target.key, passed=result.passed and not standing,
            severity=dg.AssetCheckSeverity.ERROR if standing else result.severity,
            metadata={**result.metadata, "quarantined_days": len(standing),
                      "quarantined": ", ".join(f"{one.instrument}/{one.day}: {one.detail}" for one in standing[:20])},
        )

    return check

"""The check `cross` of each asset of bars and funding: its days held against the other data there is; and the rest."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

import dagster as dg

from assets.quality import pending, repair_job, scored, targets
from assets.quality.crossing import Crossing
from assets.quality.pending import Day
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

    from assets.ingest.feeds import Subject

NAME = "cross"
BATCH = 1_000  # days of instruments judged by one call of the library
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
    groups = (list(group) for _, group in groupby(changed, key=lambda one: one.instrument))
    for batch in _batches([span for group in groups for span in _spans(group, target.subject)]):
        done = crossing.judge([crossing.look(span) for span in batch])
        # States before verdicts: the verdict is what says that the day needs no other look.
        ingest_log.record(client, done.entries)
        record.findings(client, name, venue, done.findings, run_id)
        found += done.findings
    return found


def _batches(spans: Sequence[list[Day]]) -> Iterator[list[list[Day]]]:
    """Spans of at least BATCH days together, the last of them perhaps less."""
    batch: list[list[Day]] = []
    for span in spans:
        batch.append(span)
        if sum(map(len, batch)) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _spans(days: Sequence[Day], subject: "Subject") -> Iterator[list[Day]]:
    """Days of one instrument that are read at once: a month of bars of minutes, a year of what is rarer."""
    longest = 31 if subject.dataset is Dataset.BARS and subject.interval_s < 3_600 else 366
    span: list[Day] = []
    for one in days:
        if span and (one.day - span[0].day).days >= longest:
            yield span
            span = []
        span.append(one)
    if span:
        yield span


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

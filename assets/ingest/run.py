"""A run as Dagster sees it: its log, its check, a materialisation a day, and one failure that names all that failed."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from assets.errors import AssetCode
from assets.ingest import report
from assets.ingest.outcome import Change
from infra.errors import TickhouseError
from quality import gate
from quality.errors import QualityCode
from store.errors import StoreCode
from store.ingest_log import IngestState

if TYPE_CHECKING:
    from datetime import date

    from assets.ingest.outcome import DayOutcome, Progress, Trouble
    from quality.gate import Finding

_BAD = frozenset({Change.KEPT_OUT, Change.NOT_TOLD})
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


def follow(
    context: dg.AssetExecutionContext, key: dg.AssetKey, days: Sequence[date], steps: Iterator[Progress], *,
    whole: bool = True,
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """Dagster's events of the steps; DATA_QUARANTINED or INGEST_INCOMPLETE at the end, with the good days published.

    `whole` is false where the run was asked for more days than the source has: those stay open in the UI.
    """
    outcomes: dict[date, list[DayOutcome]] = defaultdict(list)
    findings: list[Finding] = []
    troubles: list[Trouble] = []
    with stops_at_once(key):
        for step in steps:
            for outcome in step.outcomes:
                outcomes[outcome.day].append(outcome)
            findings += step.findings
            troubles += step.troubles
            # A line of the log is an event in Dagster's database: none for what was only kept.
            if any(outcome.change is not Change.KEPT for outcome in step.outcomes):
                context.log.info(report.line(step.outcomes))
            for trouble in step.troubles:
                context.log.error(str(trouble))
    done = [outcome for day in outcomes.values() for outcome in day]
    context.log.info("days of instruments: %s", report.changes(done) or "none")
    yield gate.check_result(findings, "quality", key)
    told = {day: report.of_day(outcomes[day], len(days)) for day in days}
    bad = [outcome for outcome in done if outcome.change in _BAD or outcome.state is IngestState.QUARANTINED]
    open_days = {outcome.day for outcome in done if outcome.change is Change.NOT_YET} | {outcome.day for outcome in bad}
    if open_days or troubles or not whole:
        # The other days are published all the same: Dagster is told so, day by day.
        for day in sorted(set(days) - open_days):
            context.log_event(dg.AssetMaterialization(key, partition=day.isoformat(), metadata=told[day]))
        if bad or troubles:
            raise _failure(key, bad, troubles)
        return
    for day, metadata in told.items():
        context.add_asset_metadata(metadata, key, day.isoformat())
    yield dg.MaterializeResult()


@contextmanager
def stops_at_once(key: dg.AssetKey) -> Iterator[None]:
    """Names what no further instrument can survive: CLICKHOUSE_UNREACHABLE, INGEST_DISK_FULL."""
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3.exceptions import HTTPError

    asset = key.to_user_string()
    try:
        yield
    except (ClickHouseError, HTTPError) as error:
        raise TickhouseError(
            StoreCode.CLICKHOUSE_UNREACHABLE, asset=asset, problem=" ".join(str(error).split())[:300],
        ) from error
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise TickhouseError(
            AssetCode.INGEST_DISK_FULL, asset=asset, file=error.filename or "", problem=error.strerror
        ) from error


def _failure(key: dg.AssetKey, bad: Sequence[DayOutcome], troubles: Sequence[Trouble]) -> dg.Failure:
    """One failure for all: the days that were judged and kept out, and those that could not be had."""
    kept_out = {outcome.day for outcome in bad if outcome.change is Change.KEPT_OUT}
    said = []
    if kept_out:
        said.append(str(TickhouseError(
            QualityCode.DATA_QUARANTINED, asset=key.to_user_string(), days=len(kept_out), first=min(kept_out)
        )))
    if troubles:
        said.append(str(TickhouseError(
            AssetCode.INGEST_INCOMPLETE, asset=key.to_user_string(), troubles=len(troubles), first=str(troubles[0])
        )))
    return dg.Failure(
        "\n".join(said), allow_retries=False,
        metadata=report.of_day(bad, 1) | ({"troubles": report.of_troubles(troubles)} if troubles else {}),
    )

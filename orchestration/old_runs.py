"""Dagster's own runs, by age: what is ended is deleted with its events, what failed is kept longer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

_PAGE = 100
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]
_FAILED = [dg.DagsterRunStatus.FAILURE]


@dataclass(frozen=True, slots=True)
class Purged:
    """How many runs went."""

    ended: int
    failed: int


def purge(instance: dg.DagsterInstance, days: int, failed_days: int, now: datetime | None = None) -> Purged:
    """Deletes runs that ended more than so many days ago (0: none); those that are queued or go on stay."""
    now = now or datetime.now(UTC)
    return Purged(
        _purge(instance, _ENDED, now - timedelta(days=days)) if days else 0,
        _purge(instance, _FAILED, now - timedelta(days=failed_days)) if failed_days else 0,
    )


def remember_partitions(
    instance: dg.DagsterInstance, partitioned: Mapping[dg.AssetKey, dg.PartitionsDefinition | None]
) -> None:
    """Has Dagster note which partitions are there, so that the UI still shows them when the runs' events are gone."""
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    for key, partitions in partitioned.items():
        if partitions is not None and instance.has_asset_key(key):
            get_and_update_asset_status_cache_value(instance, key, partitions)


def _purge(instance: dg.DagsterInstance, statuses: list[dg.DagsterRunStatus], before: datetime) -> int:
    wanted = dg.RunsFilter(statuses=statuses, updated_before=before)
    deleted = 0
    while records := instance.get_run_records(wanted, limit=_PAGE, ascending=True):
        for record in records:
            instance.delete_run(record.dagster_run.run_id)
        deleted += len(records)
    return deleted

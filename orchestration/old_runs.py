"""Dagster's own runs, by age: what is ended is deleted with its events, what failed is kept longer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]
_FAILED = [dg.DagsterRunStatus.FAILURE]


@dataclass(frozen=True, slots=True)
class Purged:
    """How many runs went."""

    ended: int
    failed: int


def purge(instance: dg.DagsterInstance, days: int, failed_days: int, now: datetime | None = None) -> Purged:
    """Deletes runs that ended more than so many days ago (0: none); those that are queued or go on stay.

    The run that last made an asset stays too, however old: the UI tells of it.
    """
    now = now or datetime.now(UTC)
    latest = {
        record.asset_entry.last_materialization_record.run_id
        for record in instance.get_asset_records()
        if record.asset_entry.last_materialization_record is not None
    }
    return Purged(
        _purge(instance, _ENDED, now - timedelta(days=days), latest) if days else 0,
        _purge(instance, _FAILED, now - timedelta(days=failed_days), latest) if failed_days else 0,
    )


def remember_partitions(
    instance: dg.DagsterInstance, partitioned: Mapping[dg.AssetKey, dg.PartitionsDefinition]
) -> None:
    """Has Dagster note which partitions are there, so that the UI still shows them when the runs' events are gone."""
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    for key, partitions in partitioned.items():
        if instance.has_asset_key(key):
            get_and_update_asset_status_cache_value(instance, key, partitions)


def _purge(
    instance: dg.DagsterInstance, statuses: list[dg.DagsterRunStatus], before: datetime, keep: set[str]
) -> int:
    old = instance.get_run_ids(dg.RunsFilter(statuses=statuses, updated_before=before))
    going = [run_id for run_id in old if run_id not in keep]
    for run_id in going:
        instance.delete_run(run_id)
    return len(going)

"""What is being ingested at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagster import DagsterInstance
    from dagster._core.definitions.repository_definition import RepositoryDefinition

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)


def venues(instance: DagsterInstance, repository: RepositoryDefinition | None) -> set[str]:
    """First parts of the keys of all `<venue>/<dataset>` assets that an unfinished run works on, or is to work on."""
    found: set[str] = set()
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=list(_UNFINISHED)), limit=100):
        keys: Iterable[dg.AssetKey] = run.asset_selection or ()
        if not keys and repository is not None and repository.has_job(run.job_name):
            keys = repository.get_job(run.job_name).asset_layer.executable_asset_keys
        found |= {key.path[0] for key in keys if len(key.path) > 1}
    return found

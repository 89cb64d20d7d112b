"""Two nightly jobs: the archive of days about to age out, and the clearing of old runs and files."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Mapping, Sequence

import dagster as dg

from assets import archive
from infra import settings as configuration
from infra.home import Home
from orchestration import old_files, old_runs

ARCHIVE = "archive"
HOUSEKEEPING = "housekeeping"


@dg.op(description="Deletes staging leftovers, training sets and input logs that are older than the settings keep them")
def clear_files(context: dg.OpExecutionContext) -> None:
    """The newest training sets and the newest input log stay, however old."""
    settings = configuration.load()
    for cleared in old_files.clear(Home(settings.home), settings.housekeeping):
        told = "%s: deleted %d, %d bytes; %d kept"
        context.log.info(told, cleared.what, cleared.items, cleared.size, cleared.kept)


def job(partitioned: Mapping[dg.AssetKey, dg.PartitionsDefinition]) -> dg.JobDefinition:
    """The job; each part stands alone, one that fails does not stop the other."""

    @dg.op(description="Deletes runs of Dagster, with their events, that are older than the settings keep them")
    def purge_runs(context: dg.OpExecutionContext) -> None:
        limits = configuration.load().housekeeping
        old_runs.remember_partitions(context.instance, partitioned)
        done = old_runs.purge(context.instance, limits.runs, limits.failed_runs)
        context.log.info("deleted %d run(s) and %d failed one(s)", done.ended, done.failed)

    @dg.job(name=HOUSEKEEPING, description="Clears old runs of Dagster, staging, training sets and input logs")
    def housekeeping_job() -> None:
        purge_runs()
        clear_files()

    return housekeeping_job


def definitions(assets: Sequence[dg.AssetsDefinition]) -> dg.Definitions:
    """The archive's asset and job, the housekeeping job, and a schedule for each.

    Of the partitioned ones of `assets` Dagster remembers which partitions are there beyond the life of their runs.
    """
    partitioned = {
        spec.key: spec.partitions_def for asset in assets for spec in asset.specs if spec.partitions_def is not None
    }
    clearing = job(partitioned)
    archiving = dg.define_asset_job(
        ARCHIVE, dg.AssetSelection.groups(archive.GROUP), description="Days about to age out, as Parquet"
    )
    running = dg.DefaultScheduleStatus.RUNNING
    return dg.Definitions(
        assets=archive.build(),
        jobs=[archiving, clearing],
        schedules=[
            dg.ScheduleDefinition("nightly_archive", job=archiving, cron_schedule="0 3 * * *", default_status=running),
            dg.ScheduleDefinition(
                "nightly_housekeeping", job=clearing, cron_schedule="30 3 * * *", default_status=running
            ),
        ],
    )

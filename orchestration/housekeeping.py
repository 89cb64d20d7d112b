"""Two nightly jobs: the archive of days about to age out, and the clearing of old runs and files."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

import dagster as dg

from assets import archive
from infra import settings as configuration
from infra.home import Home
from orchestration import old_files, old_runs

ARCHIVE = "archive"
HOUSEKEEPING = "housekeeping"


@dg.op(description="Deletes runs of Dagster, with their events, that are older than the settings keep them")
def purge_runs(context: dg.OpExecutionContext) -> None:
    """Runs that still go are never touched; failures are kept longer."""
    limits = configuration.load().housekeeping
    graph = context.repository_def.asset_graph
    partitioned = {key: graph.get(key).partitions_def for key in graph.get_all_asset_keys()}
    old_runs.remember_partitions(context.instance, partitioned)
    done = old_runs.purge(context.instance, limits.runs, limits.failed_runs)
    context.log.info("deleted %d run(s) and %d failed one(s)", done.ended, done.failed)


@dg.op(description="Deletes staging leftovers, training sets and input logs that are older than the settings keep them")
def clear_files(context: dg.OpExecutionContext) -> None:
    """The newest training sets and the newest input log stay, however old."""
    settings = configuration.load()
    for cleared in old_files.clear(Home(settings.home), settings.housekeeping):
        told = "%s: deleted %d, %d bytes; %d kept"
        context.log.info(told, cleared.what, cleared.items, cleared.size, cleared.kept)


@dg.job(name=HOUSEKEEPING, description="Clears old runs of Dagster, staging, training sets and input logs")
def housekeeping_job() -> None:
    """Each part stands alone: one that fails does not stop the other."""
    purge_runs()
    clear_files()


def definitions() -> dg.Definitions:
    """The archive's asset and job, the housekeeping job, and a schedule for each."""
    job = dg.define_asset_job(
        ARCHIVE, dg.AssetSelection.groups(archive.GROUP), description="Days about to age out, as Parquet"
    )
    running = dg.DefaultScheduleStatus.RUNNING
    return dg.Definitions(
        assets=archive.build(),
        jobs=[job, housekeeping_job],
        schedules=[
            dg.ScheduleDefinition("nightly_archive", job=job, cron_schedule="0 3 * * *", default_status=running),
            dg.ScheduleDefinition(
                "nightly_housekeeping", job=housekeeping_job, cron_schedule="30 3 * * *", default_status=running
            ),
        ],
    )

"""`python -m infra.stack.dagster_code ...`: the server of our definitions, after reaping the runs that were lost.

With the default run launcher nobody notices that a run's process is gone: such runs stay STARTED for ever and keep
their pool's slot. All runs of the stack are children of this server, so none can be alive when it starts. In one
process with the server because importing Dagster costs seconds.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

STACK_SINCE = "TICKHOUSE_STACK_SINCE"  # when the stack was started, in seconds of the epoch


def reap(instance: DagsterInstance, stack_since: float) -> list[str]:
    """Ids of the runs that were lost, now reported as failed (and so retried) or cancelled.

    Lost are those under way that were launched from the UI or the daemon, and any other that has not been heard of
    since the stack was started. A `dagster asset materialize` by hand beside the stack is left alone.
    """
    from dagster import DagsterRunStatus, RunsFilter

    under_way = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    reaped = []
    for record in instance.get_run_records(filters=RunsFilter(statuses=under_way)):
        run = record.dagster_run
        if run.remote_job_origin is None and record.update_timestamp.timestamp() >= stack_since:
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "its process was lost while it was being cancelled")
        else:
            instance.report_run_failed(run, "its process was lost")
        reaped.append(run.run_id)
    return reaped


def main() -> None:
    """Reap, then serve."""
    from dagster import DagsterInstance
    from dagster._cli import main as dagster

    with DagsterInstance.get() as instance:
        for run_id in reap(instance, float(os.environ[STACK_SINCE])):
            sys.stdout.write(f"reaped run {run_id}\n")
    sys.argv = ["dagster", "api", "grpc", *sys.argv[1:]]
    dagster()  # type: ignore[no-untyped-call]  # a click command


if __name__ == "__main__":
    main()

"""`python -m infra.stack.dagster_daemon ...`: Dagster's daemon, after reaping the runs that a lost host left behind.

With the default run launcher nobody else notices that a whole host went down: such runs stay STARTED for ever and
keep their pool's slot. The stack owns the only daemon of this instance, so at its start no run can be alive. In one
process with the daemon because importing Dagster costs seconds.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance


def reap(instance: DagsterInstance) -> list[str]:
    """Ids of the runs that were under way when the last stack ended, now reported as failed (and so retried)."""
    from dagster import DagsterRunStatus, RunsFilter

    under_way = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    cancelling = [DagsterRunStatus.CANCELING]
    reaped = []
    for run in instance.get_runs(filters=RunsFilter(statuses=under_way)):
        instance.report_run_failed(run, "the stack stopped while this run was under way")
        reaped.append(run.run_id)
    for run in instance.get_runs(filters=RunsFilter(statuses=cancelling)):
        instance.report_run_canceled(run, "the stack stopped while this run was being cancelled")
        reaped.append(run.run_id)
    return reaped


def main() -> None:
    """Reap, then be the daemon."""
    from dagster import DagsterInstance
    from dagster._daemon.cli import main as daemon

    with DagsterInstance.get() as instance:
        for run_id in reap(instance):
            sys.stdout.write(f"reaped run {run_id}\n")
    sys.argv = ["dagster-daemon", "run", *sys.argv[1:]]
    daemon()


if __name__ == "__main__":
    main()

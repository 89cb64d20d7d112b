"""Failed runs and failed checks since a cursor, from Dagster's event log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from infra.errors import TickhouseError
from orchestration.alerts_found import Alert, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster import DagsterInstance, EventLogEntry

LIMIT = 100  # runs of each outcome in one tick; the rest comes with the next
_DETAIL = 600


@dataclass(frozen=True, slots=True)
class RunCursor:
    """Storage ids of the last event seen, one for each type: with one for both, the rarer type would be skipped."""

    failed: int = 0
    succeeded: int = 0


def since(instance: DagsterInstance, cursor: RunCursor) -> tuple[list[Alert], RunCursor]:
    """Alerts of the runs that ended after `cursor`, and the cursor behind them."""
    alerts: list[Alert] = []
    failed, failures = _ended(instance, dg.DagsterEventType.RUN_FAILURE, cursor.failed)
    succeeded, successes = _ended(instance, dg.DagsterEventType.RUN_SUCCESS, cursor.succeeded)
    for entry in failures:
        alerts.append(_failure(instance, entry))
        alerts += _checks(instance, entry.run_id)
    for entry in successes:
        alerts += _checks(instance, entry.run_id)
    return alerts, RunCursor(failed, succeeded)


def _ended(
    instance: DagsterInstance, outcome: dg.DagsterEventType, after: int
) -> tuple[int, Sequence[EventLogEntry]]:
    found = instance.fetch_run_status_changes(
        dg.RunStatusChangeRecordsFilter(event_type=outcome, after_storage_id=after),  # type: ignore[arg-type]
        limit=LIMIT,
        ascending=True,
    )
    last = found.records[-1].storage_id if found.records else after
    return last, [record.event_log_entry for record in found.records]


def _failure(instance: DagsterInstance, entry: EventLogEntry) -> Alert:
    """The run with the error of its first failed step, or the run's own message where no step failed."""
    detail = entry.dagster_event.message if entry.dagster_event and entry.dagster_event.message else entry.user_message
    for step in instance.all_logs(entry.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        data = step.dagster_event.step_failure_data if step.dagster_event else None
        if data is not None and data.error is not None:
            chain = [error := data.error]
            while error.cause is not None:  # Dagster wraps what the step raised
                chain.append(error := error.cause)
            # Our own error says what to do; without one the innermost cause says most.
            error = next((link for link in chain if link.cls_name == TickhouseError.__name__), chain[-1])
            detail = f"{step.step_key}: {error.message}"
            break
    return Alert(
        Kind.RUN, "ERROR", f"{entry.job_name or 'run'} failed", detail.strip()[:_DETAIL], f"/runs/{entry.run_id}",
        entry.timestamp,
    )


def _checks(instance: DagsterInstance, run_id: str) -> Iterator[Alert]:
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        event = entry.dagster_event
        if event is None:
            continue
        evaluation = event.asset_check_evaluation_data
        if evaluation.passed:
            continue
        shown = {name: value.value for name, value in evaluation.metadata.items()}
        detail = evaluation.description or ", ".join(f"{name}={value}" for name, value in shown.items())
        asset = evaluation.asset_key
        yield Alert(
            Kind.CHECK,
            evaluation.severity.value,
            f"{asset.to_user_string()}: {evaluation.check_name}"
            + (f" ({evaluation.partition})" if evaluation.partition else ""),
            str(detail)[:_DETAIL],
            f"/assets/{'/'.join(asset.path)}?view=checks&checkDetail={evaluation.check_name}",
            entry.timestamp,
        )

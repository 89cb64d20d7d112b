"""Failed runs and failed checks since a cursor, from Dagster's event log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import dagster as dg

from infra.errors import TickhouseError
from orchestration.alerts_found import Alert, Kind, Link, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dagster import DagsterInstance, EventLogEntry

LIMIT = 100  # runs of each outcome in one tick; the rest comes with the next
_DETAIL, _STEPS, _ROWS = 600, 5, 10


@dataclass(frozen=True, slots=True)
class RunCursor:
    """Storage ids of the last event seen, one for each type: with one for all, the rarer type would be skipped."""

    failed: int = 0
    succeeded: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that failed, and what its failed steps said."""

    run_id: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that did not pass; `accused` are the (rule, instrument, day) that its metadata names."""

    run_id: str
    asset: tuple[str, ...]
    name: str
    accused: frozenset[tuple[str, int, str]]
    alert: Alert


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the runs that ended after a cursor, and the cursor behind them."""

    cursor: RunCursor
    runs: tuple[str, ...] = ()
    failures: tuple[FailedRun, ...] = ()
    checks: tuple[FailedCheck, ...] = ()


def since(instance: DagsterInstance, cursor: RunCursor) -> Ended:
    """The runs that ended after `cursor`; a cancelled one is no failure, but its checks count."""
    failed, failures = _ended(instance, dg.DagsterEventType.RUN_FAILURE, cursor.failed)
    succeeded, successes = _ended(instance, dg.DagsterEventType.RUN_SUCCESS, cursor.succeeded)
    cancelled, stopped = _ended(instance, dg.DagsterEventType.RUN_CANCELED, cursor.cancelled)
    runs = [*failures, *successes, *stopped]
    return Ended(
        RunCursor(failed, succeeded, cancelled),
        tuple(entry.run_id for entry in runs),
        tuple(FailedRun(entry.run_id, _failure(instance, entry)) for entry in failures),
        tuple(check for entry in runs for check in _checks(instance, entry.run_id)),
    )


def asset_links(asset: Sequence[str], *, check: str = "", partition: str = "", run_id: str = "") -> tuple[Link, ...]:
    """The asset's checks and the day in the UI, and the run."""
    page = "/assets/" + "/".join(quote(part, safe="") for part in asset)
    links = []
    if partition:
        shown = urlencode({"view": "partitions", "partition": partition})
        links.append(Link(f"partition {partition}", f"{page}?{shown}"))
    if check:
        links.append(Link("check", f"{page}?{urlencode({'view': 'checks', 'checkDetail': check})}"))
    if run_id:
        links.append(Link(f"run {run_id[:8]}", f"/runs/{run_id}"))
    return tuple(links)


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
    """The run with the errors of its failed steps, or the run's own message where no step failed."""
    said = []
    for step in instance.all_logs(entry.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        data = step.dagster_event.step_failure_data if step.dagster_event else None
        if data is None or data.error is None:
            continue
        chain = [error := data.error]
        while error.cause is not None:  # Dagster wraps what the step raised
            chain.append(error := error.cause)
        # Our own error says what to do; without one the innermost cause says most.
        error = next((link for link in chain if link.cls_name == TickhouseError.__name__), chain[-1])
        said.append(f"{step.step_key}: {error.message.strip()[:_DETAIL]}")
    if not said:
        event = entry.dagster_event
        said = [(event.message if event and event.message else entry.user_message).strip()[:_DETAIL]]
    if len(said) > _STEPS:
        said[_STEPS:] = [f"and {len(said) - _STEPS} more steps"]
    return Alert(
        Kind.RUN, "ERROR", f"{_job(entry)} failed", "\n".join(said), f"/runs/{entry.run_id}", entry.timestamp,
        asset_links((), run_id=entry.run_id),
    )


def _job(entry: EventLogEntry) -> str:
    name = entry.job_name or "run"
    return "materialisation" if name.startswith("__") else name  # Dagster's name for what no job was made for


def _checks(instance: DagsterInstance, run_id: str) -> Iterator[FailedCheck]:
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        event = entry.dagster_event
        if event is None:
            continue
        evaluation = event.asset_check_evaluation_data
        if evaluation.passed:
            continue
        asset = evaluation.asset_key
        links = asset_links(
            asset.path, check=evaluation.check_name, partition=evaluation.partition or "", run_id=run_id
        )
        records = _records(evaluation.metadata, "failures")
        yield FailedCheck(
            run_id, tuple(asset.path), evaluation.check_name,
            frozenset(
                (str(one["rule"]), int(one["instrument"] or 0), str(one["day"])) for one in records
                if {"rule", "instrument", "day"} <= set(one)
            ),
            Alert(
                Kind.CHECK,
                evaluation.severity.value,
                f"{asset.to_user_string()}: {evaluation.check_name}"
                + (f" ({evaluation.partition})" if evaluation.partition else ""),
                _words(evaluation.description, evaluation.metadata),
                next(link.path for link in links if link.name == "check"),
                entry.timestamp, links, _tables(evaluation.metadata),
            ),
        )


def _words(description: str | None, metadata: Mapping[str, dg.MetadataValue]) -> str:
    plain = (dg.FloatMetadataValue, dg.IntMetadataValue, dg.TextMetadataValue, dg.BoolMetadataValue)
    shown = ", ".join(f"{name}={value.value}" for name, value in metadata.items() if isinstance(value, plain))
    return (description or shown)[:_DETAIL]


def _tables(metadata: Mapping[str, dg.MetadataValue]) -> tuple[Table, ...]:
    found = []
    for name, value in metadata.items():
        records = _records(metadata, name)
        if isinstance(value, dg.TableMetadataValue) and records:
            header = tuple(column.name for column in value.schema.columns)
            rows = tuple(tuple(str(one.get(column, "")) for column in header) for one in records[:_ROWS])
            found.append(Table(name.replace("_", " "), header, rows, len(records)))
    return tuple(found)


def _records(metadata: Mapping[str, dg.MetadataValue], name: str) -> list[Mapping[str, Any]]:
    value = metadata.get(name)
    return [record.data for record in value.records] if isinstance(value, dg.TableMetadataValue) else []

"""The code location as Dagster sees it: what is there, what depends on what, and when it starts."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from assets import marts
from orchestration import partitions


@pytest.fixture(scope="module")
def repository():
    from orchestration.definitions import tickhouse

    return tickhouse().get_repository_def()


def keys(found) -> set[str]:
    return {key.to_user_string() for key in found}


def test_every_dataset_of_the_venue_is_an_asset(repository):
    graph = repository.asset_graph
    assert keys(graph.materializable_asset_keys) >= {
        "binance/instruments", "binance/bars_1m", "binance/trades", "binance/funding", "binance/trades_sealed",
        "features_flow", "labels_forward_return", "training_set", "model_flow", "champion",
        *marts.models(), "risk_report",
    }
    # Nothing hangs in the air: every dependency is an asset of ours, but for dbt's unread sources.
    assert keys(graph.external_asset_keys) == set()


def test_lineage_goes_from_the_venue_to_the_champion_and_the_marts(repository):
    parents = {key.to_user_string(): keys(repository.asset_graph.get(key).parent_keys)
               for key in repository.asset_graph.materializable_asset_keys}
    assert parents["features_flow"] == {"binance/trades"}
    assert parents["training_set"] == {"features_flow", "labels_forward_return"}
    assert parents["champion"] == {"training_set", "model_flow"}
    assert parents["staging_bars"] == {"binance/bars_1m", "staging_instruments", "staging_days"}
    assert parents["mart_bars_1w"] == {"mart_bars_1d"}


def test_checks_that_guard_what_comes_after_are_blocking(repository):
    graph = repository.asset_graph
    blocking = {f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys
                if graph.get(key).blocking}
    assert blocking >= {
        "binance/bars_1m:quality", "binance/trades:quality", "binance/funding:quality", "model_flow:onnx_parity",
    }
    # A champion that stays is no failure of the run.
    assert "champion:gate" not in blocking


def test_the_day_that_still_runs_is_not_offered():
    days = partitions.daily(date(2026, 3, 1))
    with dg.partition_loading_context(effective_dt=datetime(2026, 3, 4, 23, 59, tzinfo=UTC)):
        assert list(days.get_partition_keys()) == ["2026-03-01", "2026-03-02", "2026-03-03"]


@pytest.mark.parametrize(
    ("name", "job", "cron"),
    [
        ("nightly_seal", "seal", "10 0 * * *"),
        ("nightly_ingest_and_training", "nightly", "30 0 * * *"),
        ("nightly_risk_report", "nightly_risk", "0 1 * * *"),
    ],
)
def test_nights_in_utc_for_the_day_that_ended(repository, name, job, cron):
    schedule = repository.get_schedule_def(name)
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == (cron, "UTC", job)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    hour = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=hour, repository_def=repository)
        (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2026-03-04"


def test_the_alert_sensor_runs_by_itself(repository):
    (sensor,) = repository.sensor_defs
    assert (sensor.name, sensor.default_status) == ("alerts", dg.DefaultSensorStatus.RUNNING)


def test_loading_imports_nothing_heavy():
    heavy = ("ccxt", "great_expectations", "mlflow", "lightgbm", "onnxruntime", "riskfolio", "redis")
    code = f"import sys, orchestration.definitions; print([m for m in {heavy!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"

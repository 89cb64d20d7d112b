"""The server profile's Postgres: Dagster's storage on a real one."""

from __future__ import annotations

import time

import pytest

from infra.settings import Settings
from infra.stack import dagster_home
from infra.stack.dagster_code import reap
from infra.stack.ports import free_port

pytestmark = pytest.mark.stack


@pytest.fixture(params=["sqlite", "postgres"])
def instance(request, tmp_path, monkeypatch):
    """A Dagster instance as the stack configures it, on either storage."""
    from dagster import DagsterInstance

    postgres = {"postgres_url": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    settings = Settings(home=tmp_path, dagster=postgres)
    for name, value in dagster_home.write(tmp_path / "dagster", settings, free_port()).items():
        monkeypatch.setenv(name, value)
    with DagsterInstance.from_config(str(tmp_path / "dagster")) as opened:
        yield opened


def test_a_run_is_stored_and_read_back(instance):
    import dagster as dg

    @dg.asset
    def one(context):
        context.log.info("working")
        return dg.MaterializeResult(metadata={"rows": 7})

    result = dg.materialize([one], instance=instance)
    assert result.success
    run = instance.get_run_by_id(result.run_id)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    event = instance.get_latest_materialization_event(one.key)
    assert event.asset_materialization.metadata["rows"].value == 7


def test_runs_that_a_lost_host_left_behind_are_reaped(instance):
    from dagster import DagsterRunStatus
    from dagster._core.test_utils import create_run_for_test

    left = {
        status: create_run_for_test(instance, job_name="job", status=status).run_id
        for status in (
            DagsterRunStatus.STARTED,
            DagsterRunStatus.STARTING,
            DagsterRunStatus.CANCELING,
            DagsterRunStatus.NOT_STARTED,
            DagsterRunStatus.SUCCESS,
        )
    }
    assert reap(instance, stack_since=0) == [], "begun by hand since the stack was started: alive for all we know"
    later = time.time() + 1
    assert set(reap(instance, later)) == set(list(left.values())[:3])
    after = {status: instance.get_run_by_id(run_id).status for status, run_id in left.items()}
    assert after[DagsterRunStatus.STARTED] is after[DagsterRunStatus.STARTING] is DagsterRunStatus.FAILURE
    assert after[DagsterRunStatus.CANCELING] is DagsterRunStatus.CANCELED
    assert after[DagsterRunStatus.NOT_STARTED] is DagsterRunStatus.NOT_STARTED, "it waits, it is not lost"
    assert reap(instance, later) == []

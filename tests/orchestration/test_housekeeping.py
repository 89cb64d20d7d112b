"""Old runs go with their events, and only those; old files go, and never the newest."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

import os
import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from infra.home import Home
from infra.settings import Housekeeping
from orchestration import housekeeping, old_files, old_runs

NOW = datetime.now(UTC)


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01"))
def prices(context: dg.AssetExecutionContext) -> None:
    """A partitioned asset, as ingests are."""
    if context.partition_key == "2026-01-09":
        raise ValueError("planted")


@pytest.fixture
def instance(tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as made:  # SQLite in a folder, as on a developer's machine
        yield made


def materialise(instance, day, age_days):
    """A run of that day, as if it had ended so long ago."""
    definitions = dg.Definitions(assets=[prices])
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)
    at = NOW - timedelta(days=age_days)
    import sqlalchemy as sa

    with instance.run_storage.connect() as connection:
        connection.execute(
            sa.text("UPDATE runs SET create_timestamp = :at, update_timestamp = :at WHERE run_id = :id"),
            {"at": at.replace(tzinfo=None).isoformat(sep=" "), "id": result.run_id},
        )
    return result.run_id


def events(instance, run_id):
    return len(instance.all_logs(run_id))


def test_old_runs_go_with_their_events_and_failures_stay_longer(instance):
    old, young = materialise(instance, "2026-01-02", 100), materialise(instance, "2026-01-03", 10)
    other = materialise(instance, "2026-01-04", 100)
    failed, ancient = materialise(instance, "2026-01-09", 100), materialise(instance, "2026-01-09", 400)
    job = dg.Definitions(assets=[prices]).resolve_implicit_global_asset_job_def()
    going = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert old_runs.purge(instance, 0, 0) == old_runs.Purged(0, 0), "0 is for ever"
    assert old_runs.purge(instance, 90, 365) == old_runs.Purged(1, 1)
    assert {record.dagster_run.run_id for record in instance.get_run_records()} == {young, other, failed, going.run_id}
    assert events(instance, old) == events(instance, ancient) == 0
    assert events(instance, young) > 0
    assert events(instance, other) > 0, "old too, but nothing was made since: the UI tells of it"
    assert old_runs.purge(instance, 90, 365) == old_runs.Purged(0, 0)


def test_partitions_stay_shown_when_their_runs_are_gone(instance):
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    def shown():
        status = get_and_update_asset_status_cache_value(instance, prices.key, prices.partitions_def)
        return set(status.deserialize_materialized_partition_subsets(prices.partitions_def).get_partition_keys())

    materialise(instance, "2026-01-02", 100)
    materialise(instance, "2026-01-05", 100)
    old_runs.remember_partitions(instance, {prices.key: prices.partitions_def})
    assert old_runs.purge(instance, 90, 365).ended == 1
    assert shown() == {"2026-01-02", "2026-01-05"}
    materialise(instance, "2026-01-03", 1)
    assert shown() == {"2026-01-02", "2026-01-03", "2026-01-05"}


def put(file, age_days, size=10):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    at = time.time() - age_days * 86_400
    os.utime(file, (at, at))
    return file


def test_old_files_go_and_the_newest_stay(tmp_path):
    home = Home(tmp_path)
    page, fresh = put(home.staging / "a" / "old.parquet", 9), put(home.staging / "b" / "new.parquet", 1)
    sets = [put(home.training_sets / f"{age}.parquet", age) for age in (200, 190, 180, 170)]
    logs = [put(home.input_log(f"{age}") / "0.log", age, size=5) for age in (200, 100)]
    staging, training, sessions = old_files.clear(home, Housekeeping())
    assert (staging.items, training.items, sessions.items, sessions.size) == (1, 1, 1, 5)
    assert not page.exists()
    assert not page.parent.exists()
    assert fresh.exists()
    assert [file.exists() for file in sets] == [False, True, True, True]
    assert [file.exists() for file in logs] == [False, True], "the newest log may be that of a running session"
    assert all(cleared.items == 0 for cleared in old_files.clear(home, Housekeeping()))
    assert next(iter(old_files.clear(Home(tmp_path / "none"), Housekeeping()))).kept == 0


def test_zero_days_is_for_ever(tmp_path):
    home = Home(tmp_path)
    page = put(home.staging / "old", 9000)
    list(old_files.clear(home, Housekeeping(staging=0)))
    assert page.exists()


def test_the_job_runs_and_says_what_it_did(instance, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TICKHOUSE_HOME", str(tmp_path / "home"))
    old = materialise(instance, "2026-01-02", 100)
    materialise(instance, "2026-01-03", 1)
    put(Home(tmp_path / "home").staging / "old", 9)
    definitions = dg.Definitions(assets=[prices], jobs=[housekeeping.job({prices.key: prices.partitions_def})])
    job = definitions.resolve_job_def(housekeeping.HOUSEKEEPING)
    assert job.execute_in_process(instance=instance).success
    assert instance.get_run_by_id(old) is None
    said = capfd.readouterr().err
    assert "deleted 1 run(s) and 0 failed one(s)" in said
    assert "staging: deleted 1, 10 bytes; 0 kept" in said


def test_jobs_and_schedules_are_there():
    made = housekeeping.definitions([prices])
    assert {schedule.name for schedule in made.schedules} == {"nightly_archive", "nightly_housekeeping"}
    assert all(schedule.default_status is dg.DefaultScheduleStatus.RUNNING for schedule in made.schedules)

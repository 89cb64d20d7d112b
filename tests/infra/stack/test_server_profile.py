"""The server profile: ClickHouse, Redis and Postgres by URL, the same commands and the same assets."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from infra.home import Home
from infra.settings import load
from infra.stack import board, dagster_home, leftovers
from infra.stack.ports import free_port
from store.clickhouse import connect
from tests.support import PROJECT

pytestmark = pytest.mark.stack


@pytest.fixture
def server_profile(tmp_path, fresh_environment, postgres_url, monkeypatch):
    """Settings of a stack whose servers are elsewhere, also in the environment."""
    environment = fresh_environment() | {
        "TICKHOUSE_PROFILE": "server",
        "TICKHOUSE_HOME": str(tmp_path / "home"),
        "TICKHOUSE_DAGSTER__POSTGRES_URL": postgres_url,
        "TICKHOUSE_MLFLOW__TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield load()
    tickhouse("down")
    leftovers.kill(tmp_path / "home")


def tickhouse(*words: str) -> subprocess.CompletedProcess[str]:
    return run("-c", "from cli.main import main; main()", *words)


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *words]
    return subprocess.run(
        argv, cwd=PROJECT, env=os.environ | more, capture_output=True, text=True, timeout=240, check=False
    )


def test_only_what_is_left_runs_here_and_assets_land_on_the_servers(server_profile):
    from dagster import DagsterInstance, DagsterRunStatus

    up = tickhouse("up", "--detach", "--only", "clickhouse,redis,mlflow,sandbox", f"--port=sandbox={free_port()}")
    assert up.returncode == 0, up.stdout + up.stderr
    home = Home(server_profile.home)
    assert {service.name for service in board.read(home).services} == {"migrations", "sandbox"}
    assert set(json.loads((home.root / "endpoints.json").read_text())) == {"sandbox"}
    assert tickhouse("status").returncode == 0

    environment = dagster_home.write(home.root / "dagster", server_profile, free_port())
    command = ("-m", "dagster", "asset", "materialize", "-m", "orchestration.definitions")
    made = run(*command, "--select", "binance/instruments", **environment)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    client = connect(server_profile)
    assert client.command("SELECT uniq(symbol) FROM instruments") == len(server_profile.venue.symbols)
    with DagsterInstance.from_config(str(home.root / "dagster")) as instance:
        assert "Postgres" in type(instance.run_storage).__name__
        (record,) = instance.get_run_records(limit=1)
        assert record.dagster_run.status is DagsterRunStatus.SUCCESS

"""`tickhouse up`, `status` and `down` on the real data services."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from infra.home import Home
from infra.settings import load
from infra.stack import board, leftovers
from infra.stack.ports import free_port
from store.clickhouse import connect as connect_clickhouse
from store.redis_state import connect as connect_redis
from tests.support import PROJECT, wait_until

pytestmark = pytest.mark.stack


@pytest.fixture
def tickhouse(tmp_path, monkeypatch):
    """Runs a subcommand on a home folder of this test's own."""
    monkeypatch.setenv("TICKHOUSE_HOME", str(tmp_path / "home"))
    for name in ("TICKHOUSE_CLICKHOUSE__URL", "TICKHOUSE_REDIS__URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", "from cli.main import main; main()", *words]
        return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)

    yield run
    run("down")
    leftovers.kill(tmp_path / "home")


def test_up_status_down(tickhouse, tmp_path):
    home = Home(tmp_path / "home")
    assert tickhouse("status").returncode == 1

    forced = [f"--port={name}={free_port()}" for name in ("clickhouse", "redis")]
    up = tickhouse("up", "--detach", "--only", "clickhouse,redis", *forced)
    assert up.returncode == 0, up.stdout + up.stderr
    status = tickhouse("status")
    assert status.returncode == 0
    assert "clickhouse" in status.stdout

    settings = load()
    client = connect_clickhouse(settings)
    assert client.command("SELECT count() FROM bars") == 0, "migrations have run"
    client.command("INSERT INTO positions (account, qty) VALUES ('a', 7)")
    redis = connect_redis(settings)
    redis.set("kept", "yes")

    again = tickhouse("up")
    assert again.returncode == 1
    assert again.stderr.startswith("STACK_RUNNING pid=")

    before = {service.name: service.pid for service in board.read(home).services}
    os.kill(before["clickhouse"], signal.SIGKILL)
    wait_until(lambda: board.read(home).services[0].restarts == 1 and board.read(home).is_ready, 30, what="a restart")
    assert client.command("SELECT sum(qty) FROM positions") == 7, "same address, nothing lost"

    os.kill(board.read(home).pid, signal.SIGKILL)
    wait_until(lambda: not leftovers.find(home.root), 15, what="the end of every service")
    assert tickhouse("status").returncode == 1
    down = tickhouse("down")
    assert down.returncode == 0
    assert not (home.root / "endpoints.json").exists()


def test_a_missing_setting_is_one_line(tickhouse, monkeypatch):
    monkeypatch.setenv("TICKHOUSE_SANDBOX__SPEED", "fast")
    up = tickhouse("up", "--only", "redis")
    assert up.returncode == 1
    assert up.stderr.startswith("CONFIG_INVALID")
    assert "key=sandbox.speed" in up.stderr
    assert len(up.stderr.strip().splitlines()) == 1


def test_a_wrong_port_is_refused(tickhouse):
    assert tickhouse("up", "--port", "redis").returncode == 2
    unknown = tickhouse("up", "--only", "mysql")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("SERVICE_UNKNOWN service=mysql")


def test_the_address_book_is_whole(tickhouse, tmp_path):
    up = tickhouse("up", "--detach", "--only", "redis", f"--port=redis={free_port()}")
    assert up.returncode == 0, up.stdout + up.stderr
    assert set(json.loads((tmp_path / "home" / "endpoints.json").read_text())) == {"redis"}


def test_mlflow_is_one_process_that_keeps_its_files_in_the_home(tickhouse, tmp_path):
    up = tickhouse("up", "--detach", "--only", "mlflow", f"--port=mlflow={free_port()}")
    assert up.returncode == 0, up.stdout + up.stderr
    home = Home(tmp_path / "home")
    assert leftovers.find(home.root) == [board.read(home).services[0].pid]
    api = urlsplit(load().mlflow_uri)
    with contextlib.closing(HTTPConnection(api.netloc, timeout=60)) as web:
        kind = {"Content-Type": "application/json"}
        web.request("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "first"}', kind)
        number = json.load(web.getresponse())["experiment_id"]
        web.request("GET", f"/api/2.0/mlflow/experiments/get?experiment_id={number}")
        experiment = json.load(web.getresponse())["experiment"]
    assert experiment["artifact_location"].startswith(f"file://{home.root}/mlflow/artifacts/")

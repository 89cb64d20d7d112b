"""What the stack would run, and what it refuses before it starts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from infra.endpoints import Service
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import Settings
from infra.stack import dagster_home, ports, preflight
from infra.stack.errors import StackCode
from infra.stack.plan import plan
from infra.stack.ports import free_port


@pytest.fixture
def settings(tmp_path):
    return lambda **changes: Settings(home=tmp_path, **changes)


@pytest.fixture
def listener():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def code_of(caught) -> StackCode:
    return caught.value.code


def test_every_service_comes_after_what_it_needs(settings):
    specs = plan(settings())
    names = [spec.name for spec in specs]
    assert set(names) >= {"clickhouse", "redis", "sandbox", "mlflow", "dagster", "dagster-daemon", "migrations"}
    for spec in specs:
        assert all(names.index(needed) < names.index(spec.name) for needed in spec.after)
    assert len({spec.port for spec in specs if spec.port}) == sum(spec.port is not None for spec in specs)
    assert all(spec.url.startswith(("http://127.0.0.1:", "redis://127.0.0.1:")) for spec in specs if spec.endpoint)


def test_services_with_a_url_run_elsewhere(settings):
    specs = plan(settings(clickhouse={"url": "http://far:8123"}, redis={"url": "redis://far"}))
    names = {spec.name for spec in specs}
    assert not names & {"clickhouse", "redis"}
    assert not {needed for spec in specs for needed in spec.after} & {"clickhouse", "redis"}
    assert "migrations" in names, "the server is elsewhere, its schema is ours"


def test_no_sandbox_for_a_real_venue(settings):
    assert "sandbox" not in {spec.name for spec in plan(settings(venue={"sandbox": False}))}


def test_only_some(settings):
    assert [spec.name for spec in plan(settings(), ["clickhouse", "redis"])] == ["clickhouse", "migrations", "redis"]


def test_a_server_profile_needs_its_addresses(settings):
    with pytest.raises(TickhouseError) as caught:
        plan(settings(profile="server", clickhouse={"url": "http://far:8123"}))
    assert code_of(caught) is StackCode.URL_MISSING
    assert caught.value.context["service"] == Service.REDIS


def test_unknown_services_are_named(settings):
    with pytest.raises(TickhouseError) as caught:
        plan(settings(), ["postgres"])
    assert code_of(caught) is StackCode.SERVICE_UNKNOWN


def test_only_a_forced_port_must_be_had(settings, listener):
    with pytest.raises(TickhouseError) as caught:
        plan(settings(), ["redis"], {"redis": listener})
    assert code_of(caught) is StackCode.PORT_TAKEN
    assert caught.value.context["port"] == listener
    wanted = free_port()
    assert plan(settings(), ["redis"], {"redis": wanted})[0].port == wanted


def test_a_port_is_chosen_once_on_this_machine(listener):
    usual = free_port()
    with ports.Claims() as ours, ports.Claims() as theirs:
        assert ours.choose(listener) != listener, "somebody listens there"
        assert ours.choose(usual) == usual
        assert ours.choose(usual) != usual
        assert theirs.choose(usual) != usual, "ours does not listen yet, and still it is spoken for"
        with pytest.raises(TickhouseError) as caught:
            theirs.choose(free_port(), usual)
        assert code_of(caught) is StackCode.PORT_TAKEN
        ours.release()
        assert theirs.choose(usual) == usual


def test_a_busy_process_of_our_own_is_no_stranger(listener):
    script = (
        "import os, socket, sys; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen();"
        "print(s.getsockname()[1], flush=True)\n"
        "while True: [os.close(fd) for fd in [os.open('/dev/null', 0) for _ in range(50)]]"
    )
    argv = [sys.executable, "-c", script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True, text=True) as process:
        try:
            port = int(process.stdout.readline())
            assert not any(ports.has_stranger(port, process.pid) for _ in range(20)), "its files come and go"
            assert ports.has_stranger(port, os.getsid(0))
            assert ports.has_stranger(listener, process.pid)
            assert not ports.has_stranger(free_port(), process.pid), "nobody listens"
        finally:
            process.kill()


def test_secrets_are_not_on_a_command_line(settings):
    specs = plan(settings(clickhouse={"password": "hush"}, dagster={"postgres_password": "hush2"}))
    assert not any("hush" in word for spec in specs for word in spec.argv)


def test_too_little_disk_space(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(TickhouseError) as caught:
        preflight.check(Home(tmp_path))
    assert code_of(caught) is StackCode.DISK_FULL


def test_another_python(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    with pytest.raises(TickhouseError) as caught:
        preflight.check(Home(tmp_path))
    assert code_of(caught) is StackCode.PYTHON_WRONG


def test_a_home_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TickhouseError) as caught:
        preflight.check(Home(tmp_path / "file" / "home"))
    assert code_of(caught) is StackCode.HOME_NOT_WRITABLE


def test_the_home_is_ours_alone(tmp_path):
    home = Home(tmp_path / "home")
    preflight.check(home)
    assert home.root.stat().st_mode & 0o077 == 0


def test_dagster_on_postgres_keeps_its_password_out_of_the_file(settings, tmp_path):
    made = settings(dagster={"postgres_url": "postgresql://me@db:5433/runs", "postgres_password": "hush"})
    environment = dagster_home.write(tmp_path, made, 4000)
    text = (tmp_path / "dagster.yaml").read_text()
    database = json.loads(text)["storage"]["postgres"]["postgres_db"]
    assert (database["hostname"], database["port"], database["db_name"]) == ("db", 5433, "runs")
    assert "hush" not in text
    assert environment[database["password"]["env"]] == "hush"

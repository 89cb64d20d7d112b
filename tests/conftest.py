"""Fixtures that every folder shares: real servers on free ports, one of each for a worker, fresh data for a test."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from infra.settings import Settings, load
from infra.stack import commands
from infra.stack.ports import free_port
from tests.support import answers_http, answers_tcp, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis as redis_package
    from clickhouse_connect.driver.client import Client

# Two shared cores make any deadline flaky; a failure prints how to run it again.
hypothesis.settings.register_profile(
    "tickhouse", deadline=None, max_examples=50, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tickhouse")


@pytest.fixture(scope="session")
def clickhouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a ClickHouse: CLICKHOUSE_URL when set, else an embedded one of this worker."""
    if url := os.environ.get("CLICKHOUSE_URL"):
        yield url
        return
    folder, port = tmp_path_factory.mktemp("clickhouse"), free_port()
    url = f"http://127.0.0.1:{port}"
    with running(commands.clickhouse(folder, port), folder / "log", lambda: answers_http(f"{url}/ping")):
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Valkey of this worker."""
    folder, port = tmp_path_factory.mktemp("valkey"), free_port()
    with running(commands.valkey(folder, port), folder / "log", lambda: answers_tcp(port)):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def fresh_environment(
    clickhouse_url: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], dict[str, str]]:
    """Makes environments, each with a home folder and a database name of its own; for fixtures of wider scope."""
    numbers = itertools.count()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")

    def make() -> dict[str, str]:
        return {
            "TICKHOUSE_PROFILE": "embedded",
            "TICKHOUSE_HOME": str(tmp_path_factory.mktemp("home")),
            "TICKHOUSE_CLICKHOUSE__URL": clickhouse_url,
            "TICKHOUSE_CLICKHOUSE__USER": os.environ.get("CLICKHOUSE_USER", "default"),
            "TICKHOUSE_CLICKHOUSE__PASSWORD": os.environ.get("CLICKHOUSE_PASSWORD", ""),
            "TICKHOUSE_CLICKHOUSE__DATABASE": f"test_{worker}_{os.getpid()}_{next(numbers)}",
            "TICKHOUSE_REDIS__URL": redis_server,
        }

    return make


@pytest.fixture(scope="session")
def shared_database(fresh_environment: Callable[[], dict[str, str]]) -> str:
    """Name of the database that tests with the `clickhouse` fixture have one after the other."""
    return fresh_environment()["TICKHOUSE_CLICKHOUSE__DATABASE"]


@pytest.fixture
def settings(
    request: pytest.FixtureRequest,
    fresh_environment: Callable[[], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """Settings on real servers, also in the environment, so that processes a test starts see the same."""
    environment = fresh_environment()
    if "clickhouse" in request.fixturenames:
        environment["TICKHOUSE_CLICKHOUSE__DATABASE"] = request.getfixturevalue("shared_database")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load()


@pytest.fixture
def clickhouse(settings: Settings) -> Iterator[Client]:
    """A client on an empty database with every migration applied.

    Emptying one database takes a tenth of the time of making another.
    """
    from store.clickhouse import connect, migrate

    migrate(settings)
    client = connect(settings)
    _empty(client)
    yield client
    client.close()


def _empty(client: Client) -> None:
    from store.schema import read_migrations

    ours = " ".join(migration.text for migration in read_migrations())
    tables = client.query(
        "SELECT name, engine, total_rows FROM system.tables WHERE database = currentDatabase()"
        " AND name != 'schema_migrations'"
    ).result_rows
    for name, engine, rows in tables:
        if not re.search(rf"\b{name}\b", ours):  # made by a test, or by dbt
            client.command(f"DROP {'VIEW' if engine == 'View' else 'TABLE'} IF EXISTS `{name}` SYNC")
        elif rows:
            client.command(f"TRUNCATE TABLE `{name}`")


@pytest.fixture
def redis(settings: Settings) -> Iterator[redis_package.Redis]:
    """A client on an empty Redis."""
    from store.redis_state import connect

    client = connect(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Folder of recorded market data; the test is skipped where there is none."""
    folder = os.environ.get("TICKHOUSE_RECORDINGS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no recordings: set TICKHOUSE_RECORDINGS to their folder")
    return Path(folder)

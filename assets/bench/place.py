"""A ClickHouse of the benchmark's own, thrown away at its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.bench.errors import BenchCode
from infra import settings as configuration
from infra.errors import TickhouseError
from infra.settings import PROJECT, Settings
from infra.stack import commands
from infra.stack.child import dies_with_parent
from infra.stack.ports import free_port

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DATABASE = "bench"
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, a server on it, and how to reach it."""

    folder: Path
    url: str
    client: Client
    server: int   # process id

    def files(self, name: str) -> Path:
        """A folder below it, made when it is first asked for."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


def settings(url: str) -> Settings:
    """The settings with the benchmark's ClickHouse in place of the configured one."""
    return configuration.load().model_copy(
        update={"clickhouse": configuration.ClickHouse(url=url, database=DATABASE)}
    )


@contextmanager
def place() -> Iterator[Place]:
    """A server with our schema, stopped and deleted at the end; BENCH_PROCESS_FAILED where it does not start."""
    from store.clickhouse import connect, migrate

    folder = Path(tempfile.mkdtemp(prefix="tickhouse-bench-"))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "clickhouse.log").open("ab") as log:
        server = subprocess.Popen(
            commands.clickhouse(folder / "clickhouse", port), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, preexec_fn=dies_with_parent(),  # noqa: PLW1509 - started from the main thread
        )  # fmt: skip
    try:
        _wait(url, server, folder / "clickhouse.log")
        migrate(settings(url))
        client = connect(settings(url))
        yield Place(folder, url, client, server.pid)
        client.close()
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def one_core(pid: int) -> Iterator[None]:
    """Keeps a process with all its threads on the first core, for measurements that promise to use one."""
    before = os.sched_getaffinity(pid)
    _pin(pid, {min(before)})
    try:
        yield
    finally:
        _pin(pid, before)


def used_cpu(pid: int) -> float:
    """Processor seconds that the process has used, which other work on the machine hardly changes."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pin(pid: int, cores: set[int]) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:  # a thread that has ended since
            continue


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=2):  # noqa: S310 - loopback
                return
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                said = log.read_text()[-2000:]
                raise TickhouseError(BenchCode.BENCH_PROCESS_FAILED, process="clickhouse", said=said) from error
        time.sleep(0.05)

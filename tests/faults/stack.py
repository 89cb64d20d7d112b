"""A whole stack of its own for a fault: started by `tickhouse up`, watched by its board and by Dagster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.endpoints import Service, address
from infra.home import Home
from infra.settings import PROJECT
from infra.stack import board, leftovers
from infra.stack.service import ServiceStatus, State
from tests.support import wait_until

PATIENCE_S = 180


@dataclass
class Stack:
    """A running stack."""

    home: Home
    process: subprocess.Popen[bytes]

    def status(self, name: str) -> ServiceStatus:
        """What the board says of a service."""
        found = board.read(self.home)
        assert found is not None, self.tail("up")
        return next(service for service in found.services if service.name == name)

    def kill(self, name: str) -> float:
        """kill -9 of a service; the time of it."""
        pid = self.status(name).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return time.monotonic()

    def back(self, name: str, before: int) -> bool:
        """Whether the service is ready again in another process than `before`."""
        now = self.status(name)
        return now.state is State.READY and now.pid not in {None, before}

    def tail(self, name: str) -> str:
        """The end of a log."""
        file = self.home.logs / f"{name}.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def launch(self, assets: Sequence[str], first: str = "", last: str = "") -> str:
        """Run id of a run launched as the UI does it."""
        from dagster_graphql import DagsterGraphQLClient

        port = int(address(self.home.root, Service.DAGSTER).rsplit(":", 1)[1])
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
        client = DagsterGraphQLClient("127.0.0.1", port_number=port)
        selection = [name.split("/") for name in assets]
        return str(client.submit_job_execution("__ASSET_JOB", asset_selection=selection, tags=tags if first else {}))

    def ask(self, query: str, variables: dict[str, Any]) -> Any:
        """The answer of Dagster's GraphQL; None while the webserver is away."""
        from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

        port = int(address(self.home.root, Service.DAGSTER).rsplit(":", 1)[1])
        try:
            return DagsterGraphQLClient("127.0.0.1", port_number=port)._execute(query, variables)
        except DagsterGraphQLClientError:
            return None

    def status_of(self, run: str) -> str:
        """The run's status, empty while nobody can tell."""
        answer = self.ask("query S($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", {"id": run})
        return answer["runOrError"]["status"] if answer else ""

    def events_of(self, run: str) -> list[dict[str, Any]]:
        """Messages of the run's log."""
        answer = self.ask(
            "query E($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events {"
            " __typename ... on MessageEvent { message stepKey } } } } } }", {"id": run},
        )
        return list(answer["runOrError"]["eventConnection"]["events"])

    def retry_of(self, run: str) -> str:
        """Id of the run that Dagster started in place of a lost one, empty while there is none."""
        answer = self.ask(
            "query R($tag: [ExecutionTag!]) { runsOrError(filter: {tags: $tag}) { ... on Runs { results { id } } } }",
            {"tag": [{"key": "dagster/parent_run_id", "value": run}]},
        )
        found = answer["runsOrError"]["results"] if answer else []
        return str(found[0]["id"]) if found else ""

    def ended(self, run: str) -> str:
        """How the run ended."""
        wait_until(lambda: self.status_of(run) in {"SUCCESS", "FAILURE", "CANCELED"}, PATIENCE_S, what=f"run {run}")
        return self.status_of(run)

    def workers(self) -> list[int]:
        """Processes that execute runs: children of the code server."""
        code = self.status("dagster-code").pid
        return [
            int(folder.name) for folder in Path("/proc").glob("[0-9]*")
            if _parent(folder) == code and b"spawn_main" in _command(folder)
        ]


@contextmanager
def stack(root: Path, **environment: str) -> Iterator[Stack]:
    """A stack with everything ready; gone at the end, whatever was done to it."""
    home = Home(root)
    home.logs.mkdir(parents=True, exist_ok=True)
    chosen = {"TICKHOUSE_HOME": str(root), "TICKHOUSE_PROFILE": "embedded", **environment}
    with (home.logs / "up.log").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up"], cwd=PROJECT, env=os.environ | chosen, stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    made = Stack(home, process)
    try:
        wait_until(
            lambda: process.poll() is not None or ((found := board.read(home)) is not None and found.is_ready),
            PATIENCE_S, what=f"the stack; see {home.logs}",
        )  # fmt: skip
        assert process.poll() is None, made.tail("up")
        yield made
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        leftovers.kill(root)


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""

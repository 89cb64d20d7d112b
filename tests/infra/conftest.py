"""A real Postgres for whoever in this folder asks for it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from infra.postgres import prepare
from infra.stack.child import dies_with_parent
from infra.stack.ports import free_port
from tests.support import answers_tcp, wait_until


@pytest.fixture(scope="session")
def postgres_url():
    """Address of a Postgres of this worker's own."""
    folder, port = Path(tempfile.mkdtemp(prefix="tickhouse-pg-")), free_port()
    folder.chmod(0o755)  # pytest's own folders are closed to the user that runs it
    command = prepare(folder / "data", port)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            user=command.user,
            group=command.group,
            extra_groups=[] if command.user is not None else None,
            stdout=log,
            stderr=log,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - from the main thread
        )
    wait_until(lambda: answers_tcp(port) or process.poll() is not None, 30, what=folder / "log")
    yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    process.terminate()
    process.wait(30)
    shutil.rmtree(folder)

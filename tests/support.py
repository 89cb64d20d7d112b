"""Starting real processes in tests and waiting for a condition instead of sleeping."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from infra.stack.child import dies_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def running(
    argv: list[str], log: Path, is_ready: Callable[[], bool], timeout_s: float = 60, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen]:
    """The process, once it is ready; stopped at the end, killed when it does not stop."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv,
            cwd=PROJECT,
            env=os.environ | (env or {}),
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - pytest starts it from the main thread
        )
    try:
        wait_until(lambda: process.poll() is not None or is_ready(), timeout_s, what=f"{argv}; see {log}")
        assert process.poll() is None, f"{argv} exited with {process.returncode}:\n{log.read_text()[-2000:]}"
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], object], timeout_s: float = 10, *, what: str = "") -> None:
    """Returns when `condition()` is true; fails the test after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what or condition}"
        pause.wait(0.02)


def answers_http(url: str) -> bool:
    """Whether a GET is answered with success now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback
            return response.status == 200
    except OSError:
        return False


def answers_tcp(port: int) -> bool:
    """Whether somebody accepts connections there now."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False

"""Processes that a stack left behind: found by a mark in their environment, which every descendant inherits.

A supervisor killed with -9 takes its children along (see `child.py`), but not their children, such as the runs of
Dagster. `watch` runs in a small process of its own and clears those away when the supervisor's end of a pipe closes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "TICKHOUSE_STACK"


def mark(home: Path) -> dict[str, str]:
    """The environment that marks a descendant of the stack of this home folder."""
    return {MARK: str(home.resolve())}


def find(home: Path) -> list[int]:
    """Pids of living descendants of a stack of this home folder, ourselves excepted."""
    wanted = f"{MARK}={home.resolve()}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if wanted in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def kill(home: Path) -> list[int]:
    """Kills them, the ones they start meanwhile included; the pids it met."""
    killed: list[int] = []
    while pids := [pid for pid in find(home) if pid not in killed]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed += pids
    return killed


@contextlib.contextmanager
def watched(home: Path) -> Iterator[None]:
    """While inside, a watcher stands ready to clear up after us, should we be killed."""
    reading, writing = os.pipe()  # not inherited by any other child
    try:
        # -I -S: it needs the standard library only, and stays small.
        argv = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(reading), str(home.resolve())]
        watcher = subprocess.Popen(argv, pass_fds=[reading], start_new_session=True, stdin=subprocess.DEVNULL)
    finally:
        os.close(reading)
    try:
        yield
        os.write(writing, b".")  # a byte: we end in order
    finally:
        os.close(writing)
        watcher.wait()


def watch(pipe: int, home: Path) -> None:
    """Waits for the end of the supervisor; kills its descendants unless it said goodbye."""
    if not os.read(pipe, 1):
        kill(home)


if __name__ == "__main__":
    watch(int(sys.argv[1]), Path(sys.argv[2]))

"""One stack a home folder: a lock that the kernel releases whatever happens to its holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from infra.stack.errors import StackCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.home import Home


_TRIES, _PAUSE_S = 10, 0.03


def lock_file(home: Home) -> Path:
    """Where the lock is; it holds the supervisor's pid."""
    return home.run / "stack.lock"


@contextlib.contextmanager
def held(home: Home) -> Iterator[None]:
    """Holds the lock; STACK_RUNNING with the holder's pid when another process has it."""
    home.run.mkdir(parents=True, exist_ok=True)
    with lock_file(home).open("a+") as file:
        if not _acquired(file.fileno()):
            raise TickhouseError(StackCode.STACK_RUNNING, pid=_pid(lock_file(home)), home=home.root)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def holder(home: Home) -> int | None:
    """Pid of the running supervisor, None when there is none."""
    try:
        file = lock_file(home).open("r")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _pid(lock_file(home))
    return None


def _acquired(descriptor: int) -> bool:
    # Whoever asks for the holder has the lock for an instant: that is not another stack.
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return True
    return False


def _pid(file: Path) -> int | None:
    text = file.read_text().strip()
    return int(text) if text.isdigit() else None

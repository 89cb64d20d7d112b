"""A stack in the background: starting one, waiting for it, stopping it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import endpoints
from infra.errors import TickhouseError
from infra.settings import PROJECT
from infra.stack import board, leftovers, lock
from infra.stack.errors import StackCode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from infra.home import Home
    from infra.stack.supervisor import Say

STOP_TIMEOUT_S = 90.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Stopped:
    """What `stop` found."""

    supervisor: int | None
    leftovers: tuple[int, ...]


def start(home: Home, only: Collection[str], forced: Mapping[str, int], say: Say) -> int:
    """Pid of a new supervisor in a session of its own, once every service is ready.

    STACK_RUNNING when one runs already. Its own messages go to `logs/stack.log`; when it ends before it is ready
    their last line is raised as SERVICE_FAILED.
    """
    if pid := lock.holder(home):
        raise TickhouseError(StackCode.STACK_RUNNING, pid=pid, home=home.root)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = home.logs / "stack.log"
    argv = [sys.executable, "-c", "from cli.main import main; main()", "up", "--only", ",".join(only)]
    argv += [word for name, port in forced.items() for word in ("--port", f"{name}={port}")]
    env = {**os.environ, "TICKHOUSE_HOME": str(home.root), "PYTHONPATH": str(PROJECT)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    shown: set[str] = set()
    while process.poll() is None:
        found = board.read(home)
        if found is not None and found.pid == process.pid:
            for service in found.services:
                if service.state.is_good and service.name not in shown:
                    shown.add(service.name)
                    say(service.name, f"{service.state} {service.note}  {service.url}".rstrip())
            if found.is_ready:
                return process.pid
        time.sleep(_POLL_S)
    lines = log.read_text(errors="replace").strip().splitlines()
    raise TickhouseError(StackCode.SERVICE_FAILED, problem=lines[-1] if lines else "no message", log=log)


def stop(home: Home) -> Stopped:
    """Stops the supervisor in order, then whatever bears the mark of this home folder.

    STACK_NOT_STOPPED when the supervisor is still there after STOP_TIMEOUT_S.
    """
    supervisor = lock.holder(home)
    if supervisor is not None:
        os.kill(supervisor, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while lock.holder(home) == supervisor:
            if time.monotonic() > deadline:
                raise TickhouseError(StackCode.STACK_NOT_STOPPED, pid=supervisor, home=home.root)
            time.sleep(_POLL_S)
    killed = leftovers.kill(home.root)
    endpoints.remove(home.root)
    board.remove(home)
    return Stopped(supervisor, tuple(killed))

"""The processes beside the flow: started when missing, restarted when they die, stopped with it.

Each listens on a unix socket in `Home.run`; that something accepts there is what "runs" means. The gateway
outlives the flow, cancels what still works once it has been alone for some seconds, and then ends; the others end
with the flow.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import PROJECT
from streaming.errors import StreamCode

log = structlog.get_logger()
_RESTART_PAUSE_NS = 1_000_000_000
_ORPHAN_S = 10.0
_ATTEMPTS = 3
_ATTEMPT_PAUSE_S = 0.5


@contextmanager
def only_one(home: Home, name: str) -> Iterator[Path]:
    """Holds `Home.run/<name>.lock` with the own pid in it; FLOW_RUNNING where a living process holds it."""
    home.run.mkdir(parents=True, exist_ok=True)
    path = home.run / f"{name}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise TickhouseError(StreamCode.FLOW_RUNNING, name=name, pid=file.read().strip(), lock=path) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield path


def listens(path: Path) -> bool:
    """Whether something accepts connections on the unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


class Orphan:
    """Tells a side process when to end by itself: its parent is gone, and no flow has been there for ten seconds."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._since = time.monotonic()

    def now(self, *, served: bool) -> bool:
        """Whether it is time; asked again and again."""
        if served or os.getppid() == self._parent:
            self._since = time.monotonic()
        return time.monotonic() - self._since > _ORPHAN_S


@dataclass(frozen=True, slots=True)
class Side:
    """A process beside the flow."""

    name: str
    module: str            # started as `python -m module`
    socket: Path
    outlives: bool = False
    arguments: tuple[str, ...] = ()


@dataclass(slots=True)
class Supervisor:
    """Starts, watches and stops the side processes of one flow."""

    home: Home
    sides: tuple[Side, ...]
    patience_s: float = 60.0
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _next_start: dict[str, int] = field(default_factory=dict)
    restarts: int = 0

    def start(self) -> None:
        """Starts those that do not listen and waits for them; PROCESS_FAILED with the log file."""
        for side in self.sides:
            if not listens(side.socket):
                self._spawn(side)
        deadline = time.monotonic() + self.patience_s
        for side in self.sides:
            attempts = 1
            while not listens(side.socket):
                child = self._running.get(side.name)
                gone = child is None or child.poll() is not None
                if (gone and attempts == _ATTEMPTS) or time.monotonic() > deadline:
                    self.stop()
                    log_file = self._log(side)
                    raise TickhouseError(
                        StreamCode.PROCESS_FAILED, name=side.name, log=log_file, problem=_last_line(log_file)
                    )
                if gone:
                    # One that an earlier flow left behind was about to end when we looked, or still held its lock.
                    attempts += 1
                    time.sleep(_ATTEMPT_PAUSE_S)
                    self._spawn(side)
                time.sleep(0.02)

    def watch(self, now: int) -> None:
        """Restarts a side process that died, at most once a second each; called once a second."""
        for side in self.sides:
            child = self._running.get(side.name)
            if (child.poll() is None) if child else listens(side.socket):
                continue
            if now < self._next_start.get(side.name, 0):
                continue
            self._next_start[side.name] = now + _RESTART_PAUSE_NS
            code = child.returncode if child else None
            log.error("side process died, restarting it", name=side.name, code=code, log=str(self._log(side)))
            self.restarts += 1
            self._spawn(side)

    def stop(self) -> None:
        """Ends those that do not outlive the flow: SIGTERM, then SIGKILL after five seconds."""
        ending = [(s, c) for s in self.sides if not s.outlives and (c := self._running.get(s.name)) is not None]
        for _, child in ending:
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
        for side in self.sides:
            if not side.outlives and side.name not in self._running:
                _end_adopted(self.home, side)
        for side, child in ending:
            try:
                child.wait(5.0)
            except subprocess.TimeoutExpired:
                log.warning("side process did not end, killing it", name=side.name)
                child.kill()
                child.wait()

    def _log(self, side: Side) -> Path:
        return self.home.logs / f"{side.name}.log"

    def _spawn(self, side: Side) -> None:
        self.home.logs.mkdir(parents=True, exist_ok=True)
        with self._log(side).open("ab") as out:
            # A session of its own: Ctrl-C reaches the flow alone, which then ends the others in order.
            self._running[side.name] = subprocess.Popen(
                [sys.executable, "-m", side.module, *side.arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=PROJECT,
            )  # fmt: skip
        log.info("side process started", name=side.name, pid=self._running[side.name].pid)


def _last_line(file: Path) -> str:
    lines = file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _end_adopted(home: Home, side: Side) -> None:
    """SIGTERM to a side process that an earlier flow started; the pid is in the lock that it holds."""
    path = home.run / f"{side.name}.lock"
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free: its holder has ended already
            except BlockingIOError:
                os.kill(int(file.read()), signal.SIGTERM)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return

"""One service's life: start, readiness, health, restart with growing pauses, stop with all its descendants."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from infra.stack import ports, probe
from infra.stack.child import dies_with_parent
from infra.stack.service import ServiceSpec, ServiceStatus, State

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

HEALTH_EVERY_S = 5.0
HEALTH_FAILURES = 6       # half a minute: a loaded machine is not a broken service
GIVE_UP_AFTER = 5         # failures in a row
TASK_GIVE_UP_AFTER = 2    # of a task: what it needs is there, so the same will happen again
STABLE_S = 60.0           # a service that ran this long has a clean record again
MAX_PAUSE_S = 30.0
LOG_BYTES, LOG_FILES = 20 << 20, 2


class Runner:
    """Keeps one service up until `stopping` is set."""

    def __init__(
        self, spec: ServiceSpec, log_folder: Path, stopping: asyncio.Event, changed: Callable[[Runner], None]
    ) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.note = ""
        self.restarts = 0
        self.up = asyncio.Event()    # ready for the first time
        self.down = asyncio.Event()  # gone, and not coming back
        self.lost_port = False       # somebody took our port before we could: another one must be planned
        self.log_file = log_folder / f"{spec.name}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = stopping
        self._changed = changed

    @property
    def status(self) -> ServiceStatus:
        """What is known now."""
        pid = self._process.pid if self._process and self._process.returncode is None else None
        spec = self.spec
        return ServiceStatus(spec.name, self.state, pid, self.restarts, spec.port, spec.url, self.note)

    async def run(self, needs: list[Runner], needed_by: list[Runner]) -> None:
        """Returns when the stack stops; after GIVE_UP_AFTER failures in a row it stops the stack itself."""
        handler = RotatingFileHandler(self.log_file, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
        try:
            for other in needs:
                await self._unless_stopping(other.up.wait())
            await self._keep_up(_logger(self.spec.name, handler))
            for other in needed_by:  # whoever depends on us goes first
                await other.down.wait()
            await self._terminate()
            if self.state is not State.FAILED:
                self._set(State.STOPPED)
        finally:
            self.down.set()
            handler.close()

    def kill(self) -> None:
        """Kills the service and what it started in its own session, at once."""
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _keep_up(self, log: logging.Logger) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            problem = await self._attempt(log)
            if self._stopping.is_set() or not problem:
                await self._unless_stopping(asyncio.Event().wait())
                return
            await self._terminate()
            failures = 1 if time.monotonic() - began > STABLE_S else failures + 1
            if self.lost_port or failures >= (TASK_GIVE_UP_AFTER if self.spec.once else GIVE_UP_AFTER):
                self._set(State.FAILED, problem)
                self._stopping.set()
                return
            pause = min(2.0 ** (failures - 1), MAX_PAUSE_S)
            self.restarts += 1
            self._set(State.RESTARTING, f"{problem}; again in {pause:.0f} s")
            await self._unless_stopping(asyncio.sleep(pause))

    async def _attempt(self, log: logging.Logger) -> str:
        """Why the service is not there any more; "" for a task that has done its work or when the stack stops."""
        spec = self.spec
        if spec.port and await probe.tcp(spec.port)():
            self.lost_port = not self.up.is_set()
            return f"port {spec.port} is in use"
        try:
            self._process = await self._spawn()
        except OSError as error:
            return str(error)
        self._set(State.STARTING)
        pump = asyncio.create_task(_pump(self._process, log))
        began = time.monotonic()
        if spec.once:
            await self._unless_stopping(_exit_of(self._process))
        if await self._becomes_ready():
            self._set(State.DONE if spec.once else State.READY, f"after {time.monotonic() - began:.1f} s")
            self.up.set()
            if not spec.once:
                await self._watch()
        if self._stopping.is_set() or self.state is State.DONE:
            return ""
        if self.lost_port:
            return f"port {spec.port} was taken by another process"
        code = self._process.returncode
        if code is None:
            return "does not answer"
        await asyncio.wait({pump}, timeout=1)  # a child that it left behind may hold the pipe open
        return f"exited with {code}: {_last_line(self.log_file)}"

    async def _spawn(self) -> asyncio.subprocess.Process:
        spec = self.spec
        return await asyncio.create_subprocess_exec(
            *spec.argv,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **spec.env},
            cwd=spec.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal is ours to pass on, in order
            preexec_fn=dies_with_parent(),
            limit=1 << 20,
        )

    async def _becomes_ready(self) -> bool:
        process, deadline = self._process, time.monotonic() + self.spec.start_timeout_s
        while process and time.monotonic() < deadline and not self._stopping.is_set():
            if process.returncode is not None:
                return self.spec.once and process.returncode == 0
            if not self.spec.once and await self.spec.ready():
                # The answer may be another's: our own process is still loading, and will not get the port.
                self.lost_port = bool(self.spec.port and ports.has_stranger(self.spec.port, process.pid))
                return not self.lost_port
            await asyncio.sleep(0.1)
        return False

    async def _watch(self) -> None:
        """Returns when the process is gone, or has not answered HEALTH_FAILURES times in a row."""
        if not self._process:
            return
        exited, bad = asyncio.ensure_future(_exit_of(self._process)), 0
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            while not exited.done() and not stop.done() and bad < HEALTH_FAILURES:
                await asyncio.wait({exited, stop}, timeout=HEALTH_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                if not exited.done() and not stop.done():
                    bad = 0 if await self.spec.ready() else bad + 1
        finally:
            exited.cancel()
            stop.cancel()

    async def _terminate(self) -> None:
        process = self._process
        if not process:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)  # the leader first: it knows how to stop its own children
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_exit_of(process), self.spec.stop_timeout_s)
        self.kill()  # whatever it left behind
        await _exit_of(process)

    async def _unless_stopping(self, work: Coroutine[object, object, object]) -> None:
        tasks = {asyncio.ensure_future(work), asyncio.ensure_future(self._stopping.wait())}
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def _set(self, state: State, note: str = "") -> None:
        self.state, self.note = state, note
        self._changed(self)


def _logger(name: str, handler: logging.Handler) -> logging.Logger:
    log = logging.Logger(name)  # noqa: LOG001 - not registered on purpose: nothing but this file gets the lines
    log.addHandler(handler)
    return log


async def _exit_of(process: asyncio.subprocess.Process) -> None:
    # Process.wait() also waits for the end of the pipe, which a grandchild that lives on may hold open.
    while process.returncode is None:  # noqa: ASYNC110 - asyncio tells of the exit through wait() only
        await asyncio.sleep(0.05)


def _last_line(file: Path) -> str:
    lines = file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


async def _pump(process: asyncio.subprocess.Process, log: logging.Logger) -> None:
    stream = process.stdout
    while stream:
        try:
            line = await stream.readline()
        except ValueError:  # a line beyond the buffer: skipped, not fatal
            continue
        if not line:
            return
        log.info("%s", line.decode(errors="replace").rstrip("\n"))

"""All services together: started in the order of their needs, stopped in the opposite one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from infra import endpoints
from infra.errors import TickhouseError
from infra.stack import board, leftovers, lock
from infra.stack.errors import StackCode
from infra.stack.runner import Runner
from infra.stack.service import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.home import Home
    from infra.stack.service import ServiceSpec

_PLANS = 3  # ports are looked for so often
Say = Callable[[str, str], None]  # service, text


class Supervisor:
    """Runs the services of one home folder until it is told to stop."""

    def __init__(self, specs: Sequence[ServiceSpec], home: Home, say: Say) -> None:
        home.logs.mkdir(parents=True, exist_ok=True)
        self._home, self._say = home, say
        self._stopping = asyncio.Event()
        self.runners = {spec.name: Runner(spec, home.logs, self._stopping, self._changed) for spec in specs}
        self._published: dict[endpoints.Service, str] = {}

    async def run(self) -> None:
        """Returns after a stop by signal; SERVICE_FAILED when a service could not be kept up, PORT_LOST when somebody
        took a port after it was chosen.

        The first SIGINT, SIGTERM or SIGHUP stops in order, a second one at once.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop)
        began = time.monotonic()
        runners = list(self.runners.values())
        try:
            tasks = [asyncio.create_task(self._run(runner)) for runner in runners]
            for task in tasks:
                task.add_done_callback(self._ended)
            ready = asyncio.create_task(_all_up(runners))
            stop = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                self._say("stack", f"ready after {time.monotonic() - began:.1f} s")
                for name, url in self._published.items():
                    self._say(name, url)
            ready.cancel()
            await stop
            self._say("stack", "stopping")
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            endpoints.remove(self._home.root)
            board.remove(self._home)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        for runner in runners:
            if runner.lost_port:
                raise TickhouseError(StackCode.PORT_LOST, port=runner.spec.port, service=runner.spec.name)
            if runner.state is State.FAILED:
                raise TickhouseError(
                    StackCode.SERVICE_FAILED, service=runner.spec.name, problem=runner.note, log=runner.log_file
                )

    async def _run(self, runner: Runner) -> None:
        needs = [self.runners[name] for name in runner.spec.after]
        name = runner.spec.name
        needed_by = [
            other for other in self.runners.values() if name in (*other.spec.after, *other.spec.stop_before)
        ]
        await runner.run(needs, needed_by)

    def _stop(self) -> None:
        if self._stopping.is_set():
            for runner in self.runners.values():
                runner.kill()
        self._stopping.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():  # a runner never ends by itself: no service goes on unwatched
            self._stopping.set()

    def _changed(self, runner: Runner) -> None:
        endpoint = runner.spec.endpoint
        try:
            if endpoint and runner.state is State.READY and endpoint not in self._published:
                self._published[endpoint] = runner.spec.url
                endpoints.write(self._home.root, self._published)
            board.write(self._home, board.Board(os.getpid(), tuple(other.status for other in self.runners.values())))
        except OSError as error:  # a full disk: the services matter more than the board
            self._say("stack", f"cannot write to {self._home.root}: {error}")
        text = f"{runner.state} {runner.note}".rstrip()
        self._say(runner.spec.name, f"{text}  {runner.spec.url}" if runner.state is State.READY else text)


def run_stack(plan: Callable[[], Sequence[ServiceSpec]], home: Home, say: Say) -> None:
    """Runs the stack in this process; STACK_RUNNING when one runs in this home folder already.

    `plan` is made under the lock: it looks for free ports and writes files. It is made again when another process,
    such as a stack that starts at the same moment, takes a port that it had found free.
    """
    with lock.held(home):
        for pid in leftovers.kill(home.root):
            say("stack", f"cleared away pid {pid}, left behind by an earlier stack")
        with leftovers.watched(home.root):
            for attempt in range(_PLANS):
                try:
                    asyncio.run(_run(plan(), home, say))
                    return
                except TickhouseError as error:
                    if error.code is not StackCode.PORT_LOST or attempt == _PLANS - 1:
                        raise
                    say("stack", f"{error}; looking for other ports")
                finally:
                    leftovers.kill(home.root)  # what a service moved into a session of its own


async def _all_up(runners: Sequence[Runner]) -> None:
    for runner in runners:
        await runner.up.wait()


async def _run(specs: Sequence[ServiceSpec], home: Home, say: Say) -> None:
    await Supervisor(specs, home, say).run()

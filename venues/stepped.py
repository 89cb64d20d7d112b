"""An asyncio loop that its owner steps by hand, so that reading a socket costs no thread and no wake-up of another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


class SteppedLoop:
    """Runs what is ready, then comes back. One thread steps it; callbacks run inside `step`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._waiting = False
        self._tasks: set[asyncio.Task[Any]] = set()  # the loop itself keeps only weak references

    def step(self, wait_s: float = 0.0) -> None:
        """Runs everything ready; where nothing is, waits up to `wait_s` for the first `wake`."""
        loop = self.loop
        if wait_s <= 0.0:
            loop.call_soon(loop.stop)
            loop.run_forever()
            return
        timer = loop.call_later(wait_s, loop.stop)
        self._waiting = True
        loop.run_forever()
        self._waiting = False
        timer.cancel()

    def wake(self) -> None:
        """Ends the present `step`: called by whoever has something for the owner."""
        if self._waiting:
            self.loop.stop()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begins a task on this loop; it ends by `finish` or `close` at the latest."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def finish(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Cancels these tasks and lets them clean up. Not from inside a step."""
        waiting = list(tasks)
        for task in waiting:
            task.cancel()
        if waiting:
            self.loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))

    def close(self) -> None:
        """Ends every task on the loop, those of libraries too, and closes it. Twice is once."""
        if self.loop.is_closed():
            return
        self.finish(asyncio.all_tasks(self.loop))
        self.step()  # transports say goodbye in callbacks of their own
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

"""An asyncio loop that its owner steps by hand, so that reading a socket costs no thread and no wake-up of another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class SteppedLoop:
    """Runs what is ready, then comes back. One thread steps it; callbacks run inside `step`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._waiting = False
        self._tasks: set[asyncio.Task[Any]] = set()

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
        """Begins a task on this loop; it is cancelled by `close`."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def close(self) -> None:
        """Cancels every task, lets them clean up, closes the loop."""
        for task in list(self._tasks):
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

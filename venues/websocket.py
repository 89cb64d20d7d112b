"""Public market streams over picows, on a loop that the caller steps: no thread, no queue, no lock.

    link = StreamLink(urls)
    while True:
        batch = link.step()          # never blocks; step(0.001) waits up to a millisecond for the first frame

Each address is a connection of its own and comes back by itself, with growing pauses, for ever.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import picows
import structlog

from infra.errors import TickhouseError
from venues.errors import VenueCode
from venues.inbox import FrameBatch, Inbox
from venues.stepped import SteppedLoop

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: doubled from `first_s` to `longest_s`, each shortened by up to half at random.

    A connection that held for `reset_s` starts again at `first_s`.
    """

    first_s: float = 0.25
    longest_s: float = 30.0
    reset_s: float = 60.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        whole = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 16))
        return whole * random.uniform(0.5, 1.0)


class StreamLink:
    """The connections of one feed; `loop` may be shared with others who live on it."""

    def __init__(
        self,
        urls: Sequence[str],
        loop: SteppedLoop | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.stepped = loop or SteppedLoop()
        self._owns_loop = loop is None
        self._inbox = Inbox()
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._up = [False] * len(urls)
        self.last_failure = ""  # why the newest connection ended or did not come about
        self._tasks = [self.stepped.start(self._keep(number, url)) for number, url in enumerate(urls)]

    @property
    def up(self) -> bool:
        """Whether every connection stands."""
        return all(self._up)

    def step(self, wait_s: float = 0.0) -> FrameBatch:
        """What came since the last step, maybe nothing; waits up to `wait_s` where nothing is there."""
        self.stepped.step(0.0 if len(self._inbox) else wait_s)
        return self._inbox.take()

    def close(self) -> None:
        """Closes the connections; also the loop unless it was given. Not from inside a step."""
        self.stepped.finish(self._tasks)
        self._tasks = []
        if self._owns_loop:
            self.stepped.close()

    async def _keep(self, number: int, url: str) -> None:
        failures = 0
        while True:
            began = self._clock()
            reason = await self._connect_once(number, url)
            if self._up[number]:
                self._up[number] = False
                self._inbox.change(number, False, self._clock(), reason)
                self.stepped.wake()
            held_s = (self._clock() - began) / 1e9
            failures = 1 if held_s >= self._backoff.reset_s else failures + 1
            if failures == 1 or reason != self.last_failure:  # once a reason: attempts go on for ever
                log.warning("no stream", error=str(TickhouseError(VenueCode.VENUE_STREAM_DOWN, url=url, reason=reason)))
            self.last_failure = reason
            await asyncio.sleep(self._backoff.pause(failures))

    def _came_up(self, number: int) -> None:
        self._up[number] = True
        if self.last_failure:
            log.info("the stream is back")
        self.last_failure = ""
        self._inbox.change(number, True, self._clock())
        self.stepped.wake()

    async def _connect_once(self, number: int, url: str) -> str:
        """Connects and reads until the end; why it ended."""
        try:
            transport, _ = await picows.ws_connect(
                lambda: _Listener(self._inbox, self.stepped, self._clock, lambda: self._came_up(number)), url,
                enable_auto_ping=True,
                auto_ping_idle_timeout=10, auto_ping_reply_timeout=10, websocket_handshake_timeout=10,
            )
        except (OSError, TimeoutError, picows.WSError) as error:
            return f"{type(error).__name__}: {error}"
        try:
            await transport.wait_disconnected()
        except (OSError, TimeoutError, picows.WSError) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            transport.disconnect()
        return "closed"


class _Listener(picows.WSListener):
    def __init__(
        self, inbox: Inbox, stepped: SteppedLoop, clock: Callable[[], int], came_up: Callable[[], None]
    ) -> None:
        super().__init__()
        self._came_up = came_up
        self._inbox = inbox
        self._stepped = stepped
        self._clock = clock
        self._parts = bytearray()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        # Here and not when the connect call returns: the first frames may come before that.
        del transport
        self._came_up()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind in {picows.WSMsgType.TEXT, picows.WSMsgType.BINARY, picows.WSMsgType.CONTINUATION}:
            payload = frame.get_payload_as_memoryview()
            if not frame.fin:
                self._parts += payload
                return
            if self._parts:
                payload = memoryview(bytes(self._parts + payload))
                self._parts.clear()
            self._inbox.put(payload, self._clock())
            self._stepped.wake()
        elif kind == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

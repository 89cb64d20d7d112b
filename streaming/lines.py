"""What the inlet reads from the processes beside the flow, as inputs of the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from execution.link import Unframer, frame
from execution.messages import PULSE_NS, Pulse
from execution.messages import encode as encode_message
from infra.errors import TickhouseError
from streaming.input_log import GATEWAY_DOWN, GATEWAY_UP, Entry, Frames, Input, pack_frames
from streaming.messages import FromFlow, ToFlow
from streaming.peer import Link, pack
from venues.inbox import FrameBatch
from venues.websocket import StreamLink

log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
_PULSE = frame(encode_message(Pulse()))
_KINDS = {
    ToFlow.CONTROL: Entry.CONTROL,
    ToFlow.SNAPSHOT: Entry.SNAPSHOT,
    ToFlow.CATCH_UP: Entry.CATCH_UP,
    ToFlow.HEALTH: Entry.HEALTH,
}


class FeedLine:
    """The venue's public streams: frames in, and word of the connections."""

    def __init__(self, link: StreamLink) -> None:
        self.link = link
        self._ahead: FrameBatch | None = None

    def step(self, now: int) -> list[Input]:
        """What has arrived, all frames as one entry."""
        # Not `or`: a batch with nothing but word of a connection has no length.
        batch, self._ahead = self._ahead if self._ahead is not None else self.link.step(), None
        if not len(batch) and not batch.changes:
            return []
        inputs = [
            Input(Entry.FEED, change.ts, _encode({"up": self.link.up, "connection": change.connection,
                                                  "reason": change.reason}))
            for change in batch.changes
        ]  # fmt: skip
        for change in batch.changes:
            log.info("feed", connection=change.connection, up=change.up, reason=change.reason)
        if len(batch):
            inputs.append(Input(Entry.FRAMES, now, pack_frames(Frames(batch.buffer, batch.ends, batch.ts_recv))))
        return inputs

    def wait(self, seconds: float) -> None:
        """Waits for frames; what comes is handed out by the next `step`."""
        batch = self.link.step(seconds)
        if len(batch) or batch.changes:
            self._ahead = batch


class SideLine:
    """Control or publisher: tagged messages in; says hello on every connection."""

    def __init__(self, path: Path, hello: Callable[[], bytes], *, up: bytes = b"", down: bytes = b"") -> None:
        """`up` is a LINK message for a new connection, `down` a HEALTH message for a lost one; empty for none."""
        self.link = Link(path)
        self._hello = hello
        self._up = up
        self._down = down

    def step(self, now: int) -> list[Input]:
        """What has arrived."""
        link = self.link
        if link.channel is None:
            if link.connect(now):
                link.send(pack(FromFlow.HELLO, self._hello()))
                return [Input(Entry.LINK, now, self._up)] if self._up else []
            return []
        try:
            if link.channel.unsent:
                link.channel.flush()
            return [Input(_KINDS[ToFlow(tag)], now, body) for tag, body in link.channel.receive()]
        except OSError:
            link.drop(now)
            return [Input(Entry.HEALTH, now, self._down)] if self._down else []


class GatewayLine:
    """The gateway: messages of `execution.messages` in, and word of the connection itself."""

    def __init__(self, path: Path) -> None:
        self.link = Link(path)
        self._unframer = Unframer()
        self._pulsed = 0

    def step(self, now: int) -> list[Input]:
        """What has arrived; the trade step answers GATEWAY_UP with its hello."""
        link = self.link
        if link.channel is None:
            if not link.connect(now):
                return []
            self._unframer = Unframer()
            self._pulsed = now
            return [Input(Entry.LINK, now, GATEWAY_UP)]
        try:
            if link.channel.unsent:
                link.channel.flush()
            if not 0 <= now - self._pulsed < PULSE_NS:  # also where the clock was set back
                self._pulsed = now
                link.channel.send(_PULSE)
            data = link.channel.read()
            return [Input(Entry.GATEWAY, now, payload) for payload in self._unframer.feed(data)] if data else []
        except (OSError, TickhouseError):
            link.drop(now)
            return [Input(Entry.LINK, now, GATEWAY_DOWN)]

    def restart(self, now: int) -> None:
        """Drops the connection so that a new hello asks for what is missing."""
        self.link.drop(now)

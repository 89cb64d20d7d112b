"""The gateway's end of the link: one flow at a time, reports resumed, a dead man's switch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from execution.errors import ExecutionCode
from execution.gateways.desk import Desk
from execution.gateways.state import GatewayState
from execution.link import Unframer, frame
from execution.messages import (
    VERSION,
    Cancel,
    Hello,
    Pulse,
    Refused,
    Welcome,
    decode_message,
    encode,
)
from infra.errors import TickhouseError
from ledger.intent import Intent

log = structlog.get_logger()
_MOMENTS = 20  # of which the dead man's delay is made
_PATIENCE = 2  # such delays pass until a connected flow that says nothing counts as gone: it may be a loaded machine


class GatewayServer:
    """Listens on a unix socket; a second flow is refused while the first is connected."""

    def __init__(
        self, state: GatewayState, desk: Desk, kind: str, *, dead_man_s: float = 5.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._state = state
        self._desk = desk
        self._kind = kind
        self._dead_man_s = dead_man_s
        self._clock = clock
        self._flow: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._watch: asyncio.Task[None] | None = None
        self._silent = 0  # moments since the flow last said anything
        self.orphaned = asyncio.Event()  # the flow has been gone for dead_man_s
        state.tell = self._tell
        desk.on_ready = self._stand

    async def start(self, socket: Path) -> None:
        """Begins to listen on a path where nothing stands."""
        self._server = await asyncio.start_unix_server(self._serve, str(socket))
        self._watch = asyncio.create_task(self._miss_flow())

    async def stop(self) -> None:
        """Closes the connection and the socket."""
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            self._server.close()
        for writer in self._connections.values():
            writer.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=1.0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unframer = Unframer()
        task = asyncio.current_task()
        if task is not None:
            self._connections[task] = writer
            task.add_done_callback(self._connections.pop)
        try:
            while data := await reader.read(1 << 16):
                self._silent = 0 if self._flow is writer else self._silent
                for payload in unframer.feed(data):
                    if not self._take(payload, writer):
                        return
        except (OSError, TickhouseError, msgspec.DecodeError) as error:
            log.warning("flow cut off", error=str(error))
        finally:
            writer.close()
            if self._flow is writer:  # everything it sent has been read by now
                self._flow = None

    def _take(self, payload: bytes, writer: asyncio.StreamWriter) -> bool:
        """Handles one message; False ends the connection."""
        message = decode_message(payload)
        if isinstance(message, Hello):
            return self._greet(message, writer)
        if isinstance(message, Pulse):
            return True
        if self._flow is not writer:
            raise TickhouseError(ExecutionCode.GATEWAY_BAD_MESSAGE, message=type(message).__name__, wanted="Hello")
        if isinstance(message, Intent):
            self._desk.submit(message)
        elif isinstance(message, Cancel):
            self._desk.cancel(message)
        else:
            raise TickhouseError(ExecutionCode.GATEWAY_BAD_MESSAGE, message=type(message).__name__)
        return True

    def _greet(self, hello: Hello, writer: asyncio.StreamWriter) -> bool:
        refusal = self._refusal(hello, writer)
        if refusal is not None:
            log.warning("flow refused", code=refusal.code, detail=refusal.detail)
            writer.write(frame(encode(refusal)))
            return False
        self._flow = writer
        self._silent = 0
        self.orphaned.clear()
        known = self._state.view.orders
        unknown = [order_id for order_id in hello.open_orders if order_id not in known]
        writer.write(frame(encode(Welcome(self._state.account, self._kind, self._state.last_report, unknown))))
        for payload in self._state.reports_after(hello.last_report):
            writer.write(frame(payload))
        self._stand()
        log.info("flow connected", resumes_after=hello.last_report, unknown=len(unknown))
        return True

    def _refusal(self, hello: Hello, writer: asyncio.StreamWriter) -> Refused | None:
        if hello.version != VERSION:
            return Refused(ExecutionCode.GATEWAY_BAD_MESSAGE.name, f"version {hello.version}, here {VERSION}")
        if hello.account != self._state.account:
            return Refused(ExecutionCode.ACCOUNT_WRONG.name, f"account {self._state.account}")
        if self._flow is not None and self._flow is not writer:
            return Refused(ExecutionCode.ACCOUNT_BUSY.name, f"account {self._state.account}")
        if hello.last_report > self._state.last_report:
            numbers = f"flow {hello.last_report}, gateway {self._state.last_report}"
            return Refused(ExecutionCode.GATEWAY_AHEAD.name, numbers)
        return None

    def _tell(self, payload: bytes) -> None:
        if self._flow is not None and not self._flow.is_closing():
            self._flow.write(frame(payload))

    def _stand(self) -> None:
        self._tell(encode(self._state.standing(self._clock(), self._desk.why_not)))

    async def _miss_flow(self) -> None:
        """Counts moments without a flow: a loop that was held up for seconds is no proof that the flow was away."""
        missed = 0
        while True:
            await asyncio.sleep(self._dead_man_s / _MOMENTS)
            missed = 0 if self._flow is not None else missed + 1
            self._silent += 1
            if self._flow is not None and self._silent > _PATIENCE * _MOMENTS:
                # Cut off, so that it begins afresh should it come to life again.
                log.warning("the flow has said nothing, cutting it off", after_s=_PATIENCE * self._dead_man_s)
                self._flow.transport.abort()
                self._flow = None
                missed = _MOMENTS
            if missed == _MOMENTS:
                self._dead_man()

    def _dead_man(self) -> None:
        open_orders = len(self._state.open_orders())
        if open_orders:
            log.warning("the flow is gone, cancelling", open_orders=open_orders, after_s=self._dead_man_s)
        with contextlib.suppress(TickhouseError):  # the desk has said so, and the gateway ends
            self._desk.cancel_all(ExecutionCode.FLOW_GONE)
        self.orphaned.set()

"""The control process: halts, limits, models, and the REST requests that the flow must not wait for.

    python -m streaming.control

It watches the halt file, the halt in Redis, `config/risk_limits.toml` and the champion, and tells the flow what
changed; a limits file that is wrong is refused here and the limits before stay in force.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from infra import logging as logs
from infra import settings as configuration
from infra import toml_file
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import Settings
from risk import limits as risk_limits
from store import redis_state
from streaming import halt
from streaming.batch import Ask
from streaming.messages import FromCommand, FromFlow, ToFlow, control_socket
from streaming.peer import Unpacker, pack
from streaming.processes import Orphan, only_one
from streaming.rest import Rest
from streaming.session import MODEL, champion, limits_file

log = structlog.get_logger()
_LOOK_S = 0.25
_MODEL_LOOKS = 8
_REDIS_S = 1.0
_ANSWER_S = 4.0


@dataclass
class Control:
    """One event loop; REST and Redis run in threads of its pool."""

    settings: Settings
    home: Home
    rest: Rest
    _flow: asyncio.StreamWriter | None = None
    _told_halt: str | None = None
    _told_limits: dict[str, Any] = field(default_factory=dict)
    _told_model: str = ""
    _refused: str = ""
    _requests: int = 0
    _looks: int = 0
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _orphan: Orphan = field(default_factory=Orphan)

    async def run(self) -> None:
        """Serves until cancelled, or until it is left alone."""
        path = control_socket(self.home)
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, str(path))
        self._go(self._watch_redis())
        try:
            async with server:
                while not self._orphan.now(served=self._flow is not None):
                    self._look()
                    await asyncio.sleep(_LOOK_S)
                log.info("no flow, ending")
        finally:
            path.unlink(missing_ok=True)
            for task in self._tasks:
                task.cancel()

    def _go(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unpacker = Unpacker()
        with suppress(OSError, asyncio.CancelledError):  # cancelled at the end of the process: nothing is left to say
            while data := await reader.read(1 << 16):
                for tag, body in unpacker.feed(data):
                    await self._take(tag, body, writer)
        writer.close()
        if writer is self._flow:
            self._flow = None
            for future in self._answers.values():
                future.cancel()

    async def _take(self, tag: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if tag == FromFlow.HELLO:
            hello = json.loads(body)
            self._flow = writer
            self._told_halt, self._told_limits = hello["halted"], hello["limits"]
            self._told_model = hello["model"]
            log.info("serving", session=hello["session"])
        elif tag == FromFlow.ASK:
            self._go(self._answer(msgspec.json.decode(body, type=Ask), writer))
        elif tag == FromFlow.REPLY:
            reply = json.loads(body)
            future = self._answers.pop(reply["id"], None)
            if future is not None and not future.done():
                future.set_result(reply)
        elif tag == FromCommand.LOOK:
            self._go(self._command(writer))

    async def _answer(self, ask: Ask, writer: asyncio.StreamWriter) -> None:
        """Brings what the flow asked for, however often it has to be tried."""
        pause = 0.25
        while self._flow is writer:
            try:
                tag, body = await asyncio.to_thread(self.rest.bring, ask)
            except (TickhouseError, OSError, ValueError) as error:
                log.warning("venue request failed, retrying", what=ask.what, problem=str(error)[:300])
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
                continue
            writer.write(pack(tag, body))
            return

    async def _command(self, writer: asyncio.StreamWriter) -> None:
        """Carries the halt file out and answers once the flow has."""
        reason = halt.read(self.home)
        answer: dict[str, Any] = {"flow": False, "halted": reason, "cancels": 0}
        if self._flow is not None:
            self._requests += 1
            future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._answers[self._requests] = future
            self._tell_halt(reason, self._requests)
            with suppress(TimeoutError, asyncio.CancelledError):
                reply = await asyncio.wait_for(future, _ANSWER_S)
                answer = {"flow": True, "halted": reply["halted"], "cancels": reply["cancels"]}
        writer.write(pack(FromCommand.ANSWER, json.dumps(answer).encode()))

    def _tell_halt(self, reason: str | None, request: int = 0) -> None:
        message: dict[str, Any] = {"kind": "resume"} if reason is None else {"kind": "halt", "reason": reason}
        if request:
            message["id"] = request
        self._told_halt = reason
        self._tell(message)

    def _tell(self, message: dict[str, Any]) -> None:
        if self._flow is not None:
            self._flow.write(pack(ToFlow.CONTROL, json.dumps(message).encode()))

    def _look(self) -> None:
        if self._flow is None:
            return
        reason = halt.read(self.home)
        if reason != self._told_halt:
            self._tell_halt(reason)
        try:
            raw = toml_file.read(limits_file())
            risk_limits.parse(raw)
            if raw != self._told_limits:
                self._told_limits = raw
                self._tell({"kind": "limits", "limits": raw})
                log.info("limits changed", file=str(limits_file()))
            self._looks += 1
            model = champion(self.home) if self._looks % _MODEL_LOOKS == 0 else None  # it reads the whole file
            if model is not None and model.sha256 != self._told_model:
                self._told_model = model.sha256
                self._tell({"kind": "model", "model": msgspec.to_builtins(model)})
                log.info("model changed", model=MODEL, version=model.version)
        except TickhouseError as error:
            if str(error) != self._refused:  # once, not four times a second
                self._refused = str(error)
                log.error("refused, what was before stays in force", problem=str(error))  # noqa: TRY400 - one line

    async def _watch_redis(self) -> None:
        """A halt that another host put into Redis becomes ours; one that disappears there ends nothing here."""
        from redis import RedisError

        seen: str | None = None
        while True:
            try:
                found = await asyncio.to_thread(_redis_halt, self.settings)
            except (TickhouseError, RedisError):
                found = seen
            if found is not None and found != seen and halt.read(self.home) is None:
                halt.write(self.home, json.loads(found).get("reason", "by Redis"))
            seen = found
            await asyncio.sleep(_REDIS_S)


def _redis_halt(settings: Settings) -> str | None:
    client = redis_state.connect(settings, timeout_s=0.5)
    try:
        found = client.get(redis_state.halt_key())
        return str(found) if found is not None else None
    finally:
        client.close()


async def _serve(settings: Settings, home: Home) -> None:
    work = asyncio.ensure_future(Control(settings, home, Rest(settings)).run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


def main() -> int:
    """Runs until SIGTERM, or until it is left alone."""
    settings = configuration.load()
    home = Home(settings.home)
    logs.configure("control", secrets=logs.secrets_of(settings))
    with only_one(home, "control"):
        asyncio.run(_serve(settings, home))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TickhouseError as error:
        sys.exit(str(error))

"""Tells running processes that the halt file has changed; the file alone already stands."""

from __future__ import annotations

import json
import select
import socket
import time
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from infra.home import Home
from store import redis_state
from streaming.errors import StreamCode
from streaming.messages import FromCommand, control_socket
from streaming.peer import Channel, pack

if TYPE_CHECKING:
    from infra.settings import Settings


def announce(settings: Settings, *, patience_s: float = 5.0) -> str:
    """One line that says who knows. CONTROL_SILENT where a control process runs and does not answer."""
    home = Home(settings.home)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(control_socket(home)))
    except OSError:
        connection.close()
        return "no flow runs; the next one will find it so"
    channel = Channel(connection)
    try:
        answer = _ask(channel, patience_s)
    except OSError as error:
        raise TickhouseError(StreamCode.CONTROL_SILENT, socket=control_socket(home), problem=error) from error
    finally:
        channel.close()
    if not answer["flow"]:
        return "no flow runs; the next one will find it so"
    state = f"halted, {answer['cancels']} working orders cancelled" if answer["halted"] is not None else "trading"
    return f"the flow acknowledged: {state}"


def _ask(channel: Channel, patience_s: float) -> dict[str, object]:
    channel.send(pack(FromCommand.LOOK, b""))
    deadline = time.monotonic() + patience_s
    while (left := deadline - time.monotonic()) > 0:
        select.select([channel.fileno()], [], [], left)
        for message in channel.receive():
            answer: dict[str, object] = json.loads(message.body)
            return answer
    raise TimeoutError(f"no answer in {patience_s} s")


def copy_to_redis(settings: Settings, reason: str | None) -> bool:
    """A copy for other hosts; False where Redis is away: the file and the socket do not need it."""
    from redis import RedisError

    try:
        client = redis_state.connect(settings, timeout_s=0.5)
        if reason is None:
            client.delete(redis_state.halt_key())
        else:
            client.set(redis_state.halt_key(), json.dumps({"reason": reason, "ts": time.time_ns()}))
        client.close()
    except (TickhouseError, RedisError):
        return False
    return True

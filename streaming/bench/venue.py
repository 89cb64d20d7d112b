"""The other process of the benchmark: a websocket server that sends at a rate, and a gateway that fills at once.

    python -m streaming.bench.venue FOLDER INSTRUMENTS FRAMES

It reads `RATE COUNT` a line from stdin (rate 0: as fast as the socket takes it), serves one flow each, and answers
with the file of send times. It is a generator for measurements, not a venue: the sandbox exchange is that.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from execution.link import Unframer, frame
from execution.messages import CashKind, CashMove, Hello, Report, Standing, Welcome, decode_message, encode
from ledger.intent import Intent
from ledger.order import Liquidity, OrderEvent, OrderEventKind
from streaming.bench.frames import Script, instruments, script
from streaming.messages import ToFlow
from streaming.peer import pack

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BURST = 1 << 16


class Fills:
    """A gateway that accepts and fills every order at its price, at once."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._unframer = Unframer()
        self._number = 0
        self._positions: dict[int, int] = {}

    def step(self) -> None:
        """Answers what has arrived."""
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        answers: list[bytes] = []
        for payload in self._unframer.feed(data):
            message = decode_message(payload)
            if isinstance(message, Hello):
                answers.append(frame(encode(Welcome(message.account, "bench", 0, []))))
                answers.append(self._report(CashMove(CashKind.DEPOSIT, "begin", 1, "USDT", 10**9 * 10**8)))
                standing = Standing(self._number, time.time_ns(), True, "", [], [])
                answers.append(frame(encode(standing)))
            elif isinstance(message, Intent):
                answers += self._fill(message)
        if answers:
            self._socket.setblocking(True)
            self._socket.sendall(b"".join(answers))
            self._socket.setblocking(False)

    def _fill(self, intent: Intent) -> list[bytes]:
        kinds = OrderEventKind
        made = OrderEvent(
            kinds.FILL, intent.order_id, time.time_ns(), trade_id=intent.order_id, price=intent.price, qty=intent.qty,
            fee=1, fee_asset="USDT", liquidity=Liquidity.TAKER,
        )  # fmt: skip
        submitted = OrderEvent(kinds.SUBMITTED, intent.order_id, made.ts_event)
        return [self._report(submitted), self._report(made)]

    def _report(self, body: OrderEvent | CashMove) -> bytes:
        self._number += 1
        return frame(encode(Report(self._number, time.time_ns(), body)))


class Drain:
    """A publisher that reads and forgets; it says once that the stores are there."""

    def __init__(self, connection: socket.socket) -> None:
        connection.sendall(pack(ToFlow.HEALTH, b'{"clickhouse":true,"redis":true}'))
        connection.setblocking(False)
        self._socket = connection

    def step(self) -> None:
        """Reads what is there."""
        try:
            self._socket.recv(1 << 20)
        except BlockingIOError:
            return


def handshake(connection: socket.socket) -> None:
    """Answers a websocket upgrade."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
    key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - RFC 6455 asks for SHA-1
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def play(
    connection: socket.socket, fills: Fills, drain: Drain, lines: Script, rate: int, count: int
) -> NDArray[np.int64]:
    """Sends `count` frames on schedule, whatever the flow does (open loop); the time each was handed to the socket."""
    sent_at = np.zeros(count, dtype=np.int64)
    data, ends = memoryview(lines.data), lines.ends
    first = time.time_ns() + 200_000_000
    done, at, turns = 0, 0, 0
    end_of_all = int(ends[count - 1])
    while at < end_of_all:
        fills.step()
        turns += 1
        if turns % 16 == 0:
            drain.step()
        now = time.time_ns()
        due = count if rate == 0 else min(count, int((now - first) * rate // 1_000_000_000) + 1)
        if now < first or due <= done:
            continue
        until = min(int(ends[due - 1]), at + _BURST)
        try:
            at += connection.send(data[at:until])
        except BlockingIOError:
            continue
        now = time.time_ns()
        reached = int(np.searchsorted(ends, at, side="right"))
        sent_at[done:reached] = now
        done = reached
    return sent_at


def listen(path: Path) -> socket.socket:
    """A listening unix socket."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()
    return server


def main(arguments: list[str]) -> int:
    """Serves until stdin ends."""
    folder = Path(arguments[0])
    lines = script(instruments(int(arguments[1])), int(arguments[2]))
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {0})
    feed = socket.create_server(("127.0.0.1", 0))
    gateway, publisher = listen(folder / "gateway.sock"), listen(folder / "publisher.sock")
    sys.stdout.write(f"{feed.getsockname()[1]}\n")
    sys.stdout.flush()
    for number, line in enumerate(sys.stdin):
        rate, count = map(int, line.split())
        orders, _ = gateway.accept()
        orders.setblocking(False)
        ticks, _ = publisher.accept()
        stream, _ = feed.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handshake(stream)
        stream.setblocking(False)
        fills = Fills(orders)
        sent_at = play(stream, fills, Drain(ticks), lines, rate, count)
        np.save(folder / f"{number}.npy", sent_at)
        stream.setblocking(True)
        orders.setblocking(True)
        while orders.recv(1 << 16):  # until the flow is gone
            continue
        for connection in (stream, orders, ticks):
            connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One end of a unix stream socket to a process beside the flow: never blocks, reconnects by itself.

A message on the wire is its length (u4, of what follows), a tag (u1) and a body.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct("<IB")
_RETRY_NS = 200_000_000
MAX_MESSAGE = 64 << 20


class Message(NamedTuple):
    """A tagged message."""

    tag: int
    body: bytes


def pack(tag: int, body: bytes) -> bytes:
    """The bytes on the wire."""
    return _HEAD.pack(len(body) + 1, tag) + body


def unpack(buffer: bytearray) -> list[Message]:
    """Takes the whole messages off the front of `buffer`; ValueError for a length that nobody sends."""
    found, at = [], 0
    while len(buffer) - at >= _HEAD.size:
        length, tag = _HEAD.unpack_from(buffer, at)
        if not 0 < length <= MAX_MESSAGE:
            raise ValueError(f"length {length}")
        end = at + 4 + length
        if end > len(buffer):
            break
        found.append(Message(tag, bytes(buffer[at + _HEAD.size : end])))
        at = end
    del buffer[:at]
    return found


class Channel:
    """A connected non-blocking socket with both buffers."""

    def __init__(self, connection: socket.socket, *, send_buffer: int = 1 << 20) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self._socket = connection
        self._read = bytearray()
        self._unsent = bytearray()

    def fileno(self) -> int:
        """For poll and selectors."""
        return self._socket.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other end to read."""
        return len(self._unsent)

    def receive(self) -> list[Message]:
        """Whole messages that have arrived; OSError when the other end is gone."""
        while True:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                break
            if not data:
                raise ConnectionResetError
            self._read += data
            if len(data) < 1 << 18:
                break
        if not self._read:
            return []
        try:
            return unpack(self._read)
        except ValueError as error:
            raise ConnectionAbortedError(str(error)) from error

    def send(self, data: bytes) -> None:
        """Sends what the socket takes now, keeps the rest for `flush`; OSError when the other end is gone."""
        if self._unsent:
            self._unsent += data
            self.flush()
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._unsent += data[sent:]

    def flush(self) -> None:
        """Sends more of what was kept."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except BlockingIOError:
                return
            del self._unsent[:sent]

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


class Peer:
    """The flow's end: connects to `path` when something listens there, and again whenever it went away."""

    def __init__(self, path: Path, hello: bytes) -> None:
        self.path = path
        self._hello = hello
        self._channel: Channel | None = None
        self._retry_at = 0

    @property
    def up(self) -> bool:
        """Whether the other end is there."""
        return self._channel is not None

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other end."""
        return self._channel.unsent if self._channel else 0

    def fileno(self) -> int:
        """Descriptor, -1 while not connected."""
        return self._channel.fileno() if self._channel else -1

    def step(self, now: int) -> tuple[list[Message], bool]:
        """Messages that have arrived, and whether the connection came up or went down in this step."""
        if self._channel is None:
            return [], self._connect(now)
        try:
            if self._channel.unsent:
                self._channel.flush()
            return self._channel.receive(), False
        except OSError:
            self._drop(now)
            return [], True

    def send(self, data: bytes, now: int) -> bool:
        """Hands `data` over; False where nobody is there to take it."""
        if self._channel is None:
            return False
        try:
            self._channel.send(data)
        except OSError:
            self._drop(now)
            return False
        return True

    def close(self) -> None:
        """Closes for good."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._retry_at = 1 << 62

    def _connect(self, now: int) -> bool:
        if now < self._retry_at:
            return False
        self._retry_at = now + _RETRY_NS
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self.path))
        except OSError:
            connection.close()
            return False
        self._channel = Channel(connection)
        return self.send(self._hello, now) if self._hello else True

    def _drop(self, now: int) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._retry_at = now + _RETRY_NS

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
_CHUNK = 1 << 18
MAX_MESSAGE = 64 << 20


class Message(NamedTuple):
    """A tagged message."""

    tag: int
    body: bytes


def pack(tag: int, body: bytes) -> bytes:
    """The bytes on the wire."""
    return _HEAD.pack(len(body) + 1, tag) + body


class Unpacker:
    """Cuts received bytes into messages; keeps an unfinished one until its rest arrives."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Whole messages so far; ConnectionAbortedError for a length that nobody sends."""
        buffer = self._rest
        buffer += data
        found, at = [], 0
        while len(buffer) - at >= _HEAD.size:
            length, tag = _HEAD.unpack_from(buffer, at)
            if not 0 < length <= MAX_MESSAGE:
                raise ConnectionAbortedError(f"message of {length} bytes")
            end = at + 4 + length
            if end > len(buffer):
                break
            found.append(Message(tag, bytes(buffer[at + _HEAD.size : end])))
            at = end
        del buffer[:at]
        return found


class Channel:
    """A connected non-blocking socket that keeps what the other end is too slow to take."""

    def __init__(self, connection: socket.socket, *, send_buffer: int = 1 << 20) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self._socket = connection
        self._unsent = bytearray()
        self._unpacker = Unpacker()

    def fileno(self) -> int:
        """For poll and selectors."""
        return self._socket.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other end to read."""
        return len(self._unsent)

    def read(self) -> bytes:
        """Bytes that have arrived, none where there are none; OSError when the other end is gone."""
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise ConnectionResetError("closed by the other end")
        return data

    def receive(self) -> list[Message]:
        """Whole messages that have arrived; OSError when the other end is gone."""
        data = self.read()
        return self._unpacker.feed(data) if data else []

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


class Link:
    """The flow's end: connects to `path` when something listens there, and again whenever it went away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.channel: Channel | None = None
        self._retry_at = 0

    @property
    def up(self) -> bool:
        """Whether the other end is there."""
        return self.channel is not None

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other end."""
        return self.channel.unsent if self.channel else 0

    def fileno(self) -> int:
        """Descriptor, -1 while not connected."""
        return self.channel.fileno() if self.channel else -1

    def connect(self, now: int) -> bool:
        """Whether a connection came up; tries five times a second."""
        if self.channel is not None or now < self._retry_at:
            return False
        self._retry_at = now + _RETRY_NS
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self.path))
        except OSError:
            connection.close()
            return False
        self.channel = Channel(connection)
        return True

    def send(self, data: bytes) -> bool:
        """Hands `data` over; False where nobody is there to take it. `drop` follows at the next read."""
        if self.channel is None:
            return False
        try:
            self.channel.send(data)
        except OSError:
            return False
        return True

    def drop(self, now: int) -> None:
        """Closes the connection; a new one is tried a little later."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        self._retry_at = now + _RETRY_NS

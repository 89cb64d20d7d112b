"""Asking a service whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from infra.stack.ports import LOOPBACK

Probe = Callable[[], Awaitable[bool]]


async def _exchange(port: int, send: bytes, timeout_s: float) -> bytes:
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            if not send:
                return b""
            writer.write(send)
            await writer.drain()
            return await reader.read(64)
        finally:
            writer.close()


def tcp(port: int, send: bytes = b"", expect: bytes = b"", timeout_s: float = 5.0) -> Probe:
    """True when the port accepts connections and, given `send`, answers with `expect` first."""

    async def probe() -> bool:
        try:
            return (await _exchange(port, send, timeout_s)).startswith(expect)
        except (OSError, TimeoutError):
            return False

    return probe


def http(port: int, path: str = "/", timeout_s: float = 5.0) -> Probe:
    """True when GET `path` is answered with 200."""
    request = f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode()

    async def probe() -> bool:
        try:
            return (await _exchange(port, request, timeout_s)).split(b" ")[1:2] == [b"200"]
        except (OSError, TimeoutError):
            return False

    return probe


async def alive() -> bool:
    """True: for services of which it is enough that their process lives."""
    return True

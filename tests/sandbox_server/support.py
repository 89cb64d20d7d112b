"""A sandbox exchange inside the test's own loop, and a signed client that is not ccxt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from sandbox.server.app import Server, start
from sandbox.server.options import Options
from sandbox.server.signing import DEFAULT_KEY, ApiKey, sign

# 2024-03-05 12:00:37 UTC: the tests' wall clock starts here, whatever day it is.
WALL_START_NS = 1_709_640_037 * 10**9
SECOND_KEY = ApiKey("second", "second-key", "second-secret")
LIVELY = Options(speed=200.0, lag_s=3_000_000.0, keys=(DEFAULT_KEY, SECOND_KEY))


def test_clock() -> Callable[[], int]:
    """A wall clock that starts at WALL_START_NS and runs at the real pace."""
    origin = time.monotonic_ns()
    return lambda: WALL_START_NS + time.monotonic_ns() - origin


test_clock.__test__ = False  # type: ignore[attr-defined] - pytest would collect it by its name


@asynccontextmanager
async def serving(options: Options = LIVELY) -> AsyncIterator[Server]:
    """A running exchange on a free port, with a lively market unless told otherwise."""
    server = await start(options, test_clock())
    try:
        yield server
        if server.pump.done():
            server.pump.result()
    finally:
        await server.stop()


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Any


class Rest:
    """Plain requests, signed on demand."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, key: ApiKey = DEFAULT_KEY) -> None:
        self.server, self.session, self.key = server, session, key

    async def ask(self, method: str, path: str, **params: object) -> Answer:
        """An unsigned request."""
        # What was signed must arrive as it is, not in another quoting.
        url = URL(f"{self.server.base}{path}?{urlencode(params)}", encoded=True)
        headers = {"X-MBX-APIKEY": self.key.key}
        async with self.session.request(method, url, headers=headers) as response:
            raw = await response.read()
            return Answer(response.status, msgspec.json.decode(raw), response.headers)

    async def signed(self, method: str, path: str, **params: object) -> Answer:
        """A signed request with a timestamp of now."""
        params = {"timestamp": self.server.venue.wall_ns() // 10**6} | params
        return await self.ask(method, path, **params, signature=sign(self.key.secret, urlencode(params)))

    async def get(self, path: str, **params: object) -> Any:
        """The body of a GET that must succeed."""
        answer = await self.ask("GET", path, **params)
        assert answer.status == 200, answer
        return answer.body


@asynccontextmanager
async def rest_client(options: Options = LIVELY) -> AsyncIterator[Rest]:
    """A running exchange and a client of it."""
    async with serving(options) as server, aiohttp.ClientSession() as session:
        yield Rest(server, session)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Wait for a condition; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - the condition is asked of a server
            await asyncio.sleep(0.02)

"""Fetches depth snapshots on the stepped loop while the streams go on: what a book needs to start or start again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from infra.errors import TickhouseError
from market.instrument import Instrument
from venues.errors import VenueCode
from venues.stepped import SteppedLoop
from venues.websocket import Backoff

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger()
_LIMIT = 1000
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class DepthAnswer:
    """The venue's answer, for `codec.decode_snapshot`; kept raw so that it can be logged as any other input."""

    instrument: int
    body: bytes
    ts_recv: int  # ns


class SnapshotFetcher:
    """At most one request an instrument at a time; failed ones are repeated with growing pauses until they succeed."""

    def __init__(
        self, stepped: SteppedLoop, rest_base: str, backoff: Backoff | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._stepped = stepped
        self._base = rest_base
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._asked: dict[int, asyncio.Task[None]] = {}
        self._answers: list[DepthAnswer] = []
        self._session: aiohttp.ClientSession | None = None
        self.last_failure = ""  # of the newest failed attempt, for the status page

    def request(self, instrument: Instrument) -> bool:
        """Asks for the book of `instrument`; False when that is already on its way."""
        if instrument.id in self._asked:
            return False
        self._asked[instrument.id] = self._stepped.start(self._fetch(instrument))
        return True

    def take(self) -> list[DepthAnswer]:
        """The answers since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        """Drops what is on its way. Before the loop is closed, and not from inside a step."""
        self._stepped.finish(self._asked.values())
        self._asked = {}
        if self._session is not None:
            self._stepped.loop.run_until_complete(self._session.close())
            self._session = None

    async def aclose(self) -> None:
        """`close` for an owner whose loop runs by itself."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)
        self._asked = {}
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _fetch(self, instrument: Instrument) -> None:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        query = {"symbol": instrument.venue_symbol, "limit": str(_LIMIT)}
        failures = 0
        while True:
            try:
                async with self._session.get(f"{self._base}/depth", params=query) as answer:
                    body = await answer.read()
                    if answer.status == 200 and b'"lastUpdateId"' in body:
                        break
                    self.last_failure = f"HTTP {answer.status}: {body[:200]!r}"
                    told = answer.headers.get("Retry-After", "")
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.last_failure, told = f"{type(error).__name__}: {error}", ""
            failures += 1
            if failures == 1:
                answered = self.last_failure.startswith("HTTP")
                code = VenueCode.VENUE_BAD_ANSWER if answered else VenueCode.VENUE_UNREACHABLE
                why = TickhouseError(code, symbol=instrument.venue_symbol, request="depth", problem=self.last_failure)
                log.warning("no snapshot yet, trying again", error=str(why))
            await asyncio.sleep(max(self._backoff.pause(failures), float(told) if told.isdigit() else 0.0))
        self._answers.append(DepthAnswer(instrument.id, body, self._clock()))
        del self._asked[instrument.id]
        self._stepped.wake()

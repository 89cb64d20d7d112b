"""The flow's requests to the venue's REST interface: depth snapshots and trades that were missed."""

from __future__ import annotations

import struct
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from market.instrument import Instrument
from store import clickhouse, instruments
from streaming.batch import Ask
from streaming.errors import StreamCode
from streaming.messages import ToFlow

if TYPE_CHECKING:
    from infra.settings import Settings
    from venues.ccxt_source import CcxtSource

_DEPTH = 1000
_TIMEOUT_S = 5.0
_SECOND_NS = 1_000_000_000


@dataclass
class Rest:
    """Blocking requests, for threads; one ccxt exchange, which is not shared between them."""

    settings: Settings
    _lives: dict[int, Instrument] = field(default_factory=dict)
    _source: CcxtSource | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bring(self, ask: Ask) -> tuple[ToFlow, bytes]:
        """The message that answers `ask`; errors of the network and of the venue are the caller's to retry."""
        life = self._life(ask.instrument)
        if ask.what == "snapshot":
            return ToFlow.SNAPSHOT, struct.pack("<I", life.id) + self._depth(life)
        return ToFlow.CATCH_UP, self._trades(life, ask)

    def _life(self, instrument: int) -> Instrument:
        with self._lock:
            if instrument not in self._lives:
                client = clickhouse.connect(self.settings)
                self._lives = {life.id: life for life in instruments.load(client)}
                client.close()
        if instrument not in self._lives:
            raise TickhouseError(StreamCode.INSTRUMENTS_MISSING, instrument=instrument)
        return self._lives[instrument]

    def _depth(self, life: Instrument) -> bytes:
        from venues.exchange import rest_base

        base = rest_base(life.venue, self._sandbox())
        query = urllib.parse.urlencode({"symbol": life.venue_symbol, "limit": _DEPTH})
        with urllib.request.urlopen(f"{base}/depth?{query}", timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http or https
            body: bytes = answer.read()
            return body

    def _trades(self, life: Instrument, ask: Ask) -> bytes:
        with self._lock:
            if self._source is None:
                from venues.ccxt_source import CcxtSource
                from venues.exchange import make_exchange

                self._source = CcxtSource(make_exchange(life.venue, self._sandbox()))
            events = self._source.trades(life, ask.since, self._source.now() + _SECOND_NS)
        covered = int(events["seq"].max()) if len(events) else 0
        if covered < ask.stop - 1:
            raise ValueError(f"trades up to {covered}, wanted {ask.stop - 1}: the venue's history lags")
        events = events[events["seq"] < ask.stop]
        events["ts_recv"] = time.time_ns()
        return struct.pack("<Iq", life.id, ask.stop - 1) + events.tobytes()

    def _sandbox(self) -> str | None:
        return self.settings.sandbox_url if self.settings.venue.sandbox else None

"""Live state into Redis: last quotes, positions, profit, risk events. Copies only; the newest value wins."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from infra.errors import TickhouseError
from market.events import Events, Kind, Side
from store import redis_state
from streaming.messages import RiskRow

if TYPE_CHECKING:
    from redis import Redis

    from infra.settings import Settings

log = structlog.get_logger()
_EVERY_S = 0.1
_RETRY_S = 1.0
_STREAM_LENGTH = 10_000


@dataclass
class LiveState:
    """A thread that writes what is newest ten times a second."""

    settings: Settings
    reachable: bool = True
    _quotes: dict[int, dict[Any, Any]] = field(default_factory=dict)
    _state: dict[str, Any] | None = None
    _risk: list[RiskRow] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def events(self, events: Events) -> None:
        """Takes market events; keeps the last quote an instrument."""
        quotes = events[events["kind"] == Kind.QUOTE]
        if not len(quotes):
            return
        with self._lock:
            for event in quotes:
                side = "bid" if event["side"] == Side.BUY else "ask"
                quote = self._quotes.setdefault(int(event["instrument"]), {})
                quote[side], quote[f"{side}_qty"] = int(event["price"]), int(event["qty"])
                quote["ts_event"] = int(event["ts_event"]) or int(event["ts_recv"])

    def state(self, state: dict[str, Any]) -> None:
        """Takes positions and profit."""
        with self._lock:
            self._state = state

    def risk(self, notes: list[RiskRow]) -> None:
        """Takes risk events; beyond ten thousand unwritten ones the oldest go (ClickHouse has them all)."""
        with self._lock:
            self._risk = (self._risk + notes)[-_STREAM_LENGTH:]

    def gauges(self) -> dict[str, float]:
        """For the metrics page."""
        return {"redis_reachable": float(self.reachable)}

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="redis", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes once more and ends."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def _run(self) -> None:
        from redis import RedisError

        client: Redis | None = None
        while True:
            last = self._ended.is_set()
            try:
                client = client or redis_state.connect(self.settings)
                self._write(client)
                if not self.reachable:
                    log.info("redis is back")
                self.reachable = True
            except (RedisError, TickhouseError) as error:
                if self.reachable:
                    log.error("redis unreachable, retrying", problem=str(error))  # noqa: TRY400 - one line, no trace
                self.reachable = False
                client = None
            if last:
                return
            self._ended.wait(_EVERY_S if self.reachable else _RETRY_S)

    def _write(self, client: Redis) -> None:
        with self._lock:
            quotes, self._quotes = self._quotes, {}
            state, self._state = self._state, None
            risk, self._risk = self._risk, []
        pipe = client.pipeline(transaction=False)
        pipe.ping()
        for instrument, quote in quotes.items():
            pipe.hset(redis_state.quote_key(instrument), mapping=quote)
        if state is not None:
            account = state["account"]
            for position in state["positions"]:
                fields = {name: value for name, value in position.items() if name != "instrument"}
                pipe.hset(redis_state.position_key(account, position["instrument"]), mapping=fields)
            pipe.hset(redis_state.pnl_key(account), mapping=state["pnl"])
        for note in risk:
            pipe.xadd(
                redis_state.risk_stream(), {name: str(v) for name, v in note._asdict().items()}, maxlen=_STREAM_LENGTH
            )
        try:
            pipe.execute()
        except Exception:
            with self._lock:  # not written: keep what nothing newer has replaced
                self._quotes = quotes | self._quotes
                self._state = self._state or state
                self._risk = (risk + self._risk)[-_STREAM_LENGTH:]
            raise

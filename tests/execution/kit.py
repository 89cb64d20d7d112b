"""What the tests of this room share: instruments, intents, and a flow that speaks to a gateway."""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path

from execution import order_id
from execution.link import Unframer, frame
from execution.messages import PULSE_NS, Pulse, encode
from execution.oms import Change, Oms
from ledger.intent import Intent, OrderType, Share, TimeInForce
from market.events import Side
from market.instrument import Instrument, InstrumentKind, Status, TradingRules

BTC = Instrument(
    1, "binance", "BTC/USDT:USDT", "BTCUSDT", InstrumentKind.LINEAR, "BTC", "USDT", "USDT", 1, 3, 10**8, valid_from=0
)
ETH = Instrument(
    2, "binance", "ETH/USDT:USDT", "ETHUSDT", InstrumentKind.LINEAR, "ETH", "USDT", "USDT", 2, 3, 10**8, valid_from=0
)
RULES = TradingRules(1, 1, 1, 1, 10**9, 0, 200, 500, Status.TRADING, 0)


def intent(
    seq: int = 1, side: Side = Side.BUY, qty: int = 10, price: int = 1_000_000, *, instrument: int = 1,
    tif: TimeInForce = TimeInForce.GTC, strategy: str = "momentum", shares: tuple[Share, ...] = (), now: int = 0,
    ttl: int = 5_000_000_000, reduce_only: bool = False, post_only: bool = False, account: str = "main",
    type_: OrderType = OrderType.LIMIT,
) -> Intent:
    """An intent with sensible defaults."""
    return Intent(
        order_id.make("main", instrument, seq, 0), account, "main", instrument, strategy, side, type_, tif, price,
        qty, reduce_only, post_only, now or time.time_ns(), ttl, seq, 0, "test", shares,
    )


class Flow:
    """The flow's side of the link in a few lines: blocking, for tests."""

    def __init__(self, oms: Oms, path: Path) -> None:
        self.oms, self.path = oms, path
        self.changes: list[Change] = []
        self._socket: socket.socket | None = None
        self._pulsed = 0.0

    def connect(self, patience_s: float = 60.0) -> None:
        """Connects and says hello; waits for the socket to appear."""
        deadline = time.monotonic() + patience_s
        while True:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.connect(str(self.path))
                break
            except OSError:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise
                select.select([], [], [], 0.05)
        self._unframer = Unframer()
        self.send(self.oms.hello())

    def send(self, data: bytes) -> None:
        """Sends frames."""
        assert self._socket is not None
        self._socket.sendall(data)

    def step(self, wait_s: float = 0.02) -> bool:
        """Takes what has arrived; False when the gateway is gone."""
        assert self._socket is not None
        try:
            if time.monotonic() - self._pulsed > PULSE_NS / 1e9:
                self._pulsed = time.monotonic()
                self.send(frame(encode(Pulse())))
            if not select.select([self._socket], [], [], wait_s)[0]:
                return True
            data = self._socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.oms.on_disconnect()
            return False
        for payload in self._unframer.feed(data):
            step = self.oms.on_message(payload, time.time_ns())
            self.changes += step.changes
            for answer in step.send:
                self.send(answer)
        return True

    def until(self, condition, patience_s: float = 60.0) -> None:
        """Steps until the condition holds; reconnects when the gateway went away."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {self.oms.why_not_ready()!r} {self.changes[-5:]}"
            if not self.step():
                self.close()
                self.connect()

    def close(self) -> None:
        """Hangs up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.oms.on_disconnect()

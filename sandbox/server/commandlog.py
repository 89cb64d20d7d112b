"""The append-only log of accepted commands: with it, a killed exchange comes back as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sandbox.engine.types import NewOrder, Side

FORMAT = 1


class Opened(msgspec.Struct, tag="opened", frozen=True):
    """The first record: what the market is a function of."""

    format: int
    seed: int
    trades_per_day: int
    quote_rate: float
    start_ns: int


class Paced(msgspec.Struct, tag="paced", frozen=True):
    """From here on market time runs like this."""

    wall_start_ns: int
    lag_ns: int
    speed: float


class Deposited(msgspec.Struct, tag="deposit", frozen=True):
    """Money given to an account."""

    at_ns: int
    account: str
    market: str
    asset: str
    amount: int


class Submitted(msgspec.Struct, tag="submit", frozen=True):
    """A new order."""

    at_ns: int
    account: str
    market: str
    order: NewOrder


class Cancelled(msgspec.Struct, tag="cancel", frozen=True):
    """An order taken back."""

    at_ns: int
    account: str
    market: str
    symbol: str
    order_id: int
    cancel_client_id: str = ""


class CancelledAll(msgspec.Struct, tag="cancel_all", frozen=True):
    """All of a symbol's open orders taken back."""

    at_ns: int
    account: str
    market: str
    symbol: str


class Replaced(msgspec.Struct, tag="replace", frozen=True):
    """Spot cancel-replace, also one that went half way."""

    at_ns: int
    account: str
    symbol: str
    order: NewOrder
    order_id: int | None
    client_id: str | None
    cancel_client_id: str
    stop_on_failure: bool


class Modified(msgspec.Struct, tag="modify", frozen=True):
    """A futures order with a new price or quantity."""

    at_ns: int
    account: str
    symbol: str
    side: Side
    qty: int
    price: int
    order_id: int


class Levered(msgspec.Struct, tag="leverage", frozen=True):
    """A symbol's leverage."""

    at_ns: int
    account: str
    symbol: str
    leverage: int


class ListenKey(msgspec.Struct, tag="listen_key", frozen=True):
    """A user stream's key made or closed: it must outlive the server, or its listener would hear silence."""

    account: str
    market: str
    alive: bool


class Countdown(msgspec.Struct, tag="countdown", frozen=True):
    """A dead-man's switch on a symbol's orders: when it goes off, in wall time; 0 takes it away."""

    account: str
    symbol: str
    deadline_ns: int


Command = Deposited | Submitted | Cancelled | CancelledAll | Replaced | Modified | Levered
Record = Opened | Paced | ListenKey | Countdown | Command

_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


class CommandLog:
    """One JSON record a line; `append` returns once write(2) has, so a record survives `kill -9`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        whole = _whole_bytes(path)
        self._fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        # A line cut by a kill belongs to a command that was never answered.
        os.ftruncate(self._fd, whole)

    def records(self) -> Iterator[Record]:
        """All records in order; msgspec.DecodeError on a damaged one."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield _decoder.decode(line)

    def append(self, record: Record) -> None:
        """Make one record last."""
        line = memoryview(_encoder.encode(record) + b"\n")
        while line:
            line = line[os.write(self._fd, line) :]

    def close(self) -> None:
        """Let the file go."""
        os.close(self._fd)


def _whole_bytes(path: Path) -> int:
    """Length of the file up to its last newline."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    return content.rfind(b"\n") + 1

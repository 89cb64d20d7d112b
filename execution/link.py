"""Framing on the stream socket between flow and gateway: four bytes of length, then a message."""

from __future__ import annotations

import struct
from pathlib import Path

from execution.errors import ExecutionCode
from infra.errors import TickhouseError
from infra.home import Home

_LENGTH = struct.Struct("<I")
MAX_FRAME = 4 << 20


def socket_path(home: Home, account: str) -> Path:
    """Where the gateway of an account listens."""
    return home.run / f"gateway-{account}.sock"


def gateway_journal(home: Home, account: str) -> Path:
    """The gateway's own journal; the flow's is `home.journal(account)`."""
    return home.journal(f"{account}.gateway")


def frame(payload: bytes) -> bytes:
    """The bytes to send for an encoded message."""
    return _LENGTH.pack(len(payload)) + payload


class Unframer:
    """Cuts received bytes into messages; keeps an unfinished one until its rest arrives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The whole payloads so far, in order; GATEWAY_BAD_MESSAGE on an impossible length."""
        data = self._rest + data if self._rest else data
        payloads: list[bytes] = []
        at = 0
        while at + _LENGTH.size <= len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            if length > MAX_FRAME:
                raise TickhouseError(ExecutionCode.GATEWAY_BAD_MESSAGE, length=length)
            end = at + _LENGTH.size + length
            if end > len(data):
                break
            payloads.append(data[at + _LENGTH.size : end])
            at = end
        self._rest = data[at:]
        return payloads

"""The ccxt port where the venue does not behave; orders and reports are tested on the sandbox exchange."""

from __future__ import annotations

import time
from pathlib import Path

import ccxt
import pytest

from execution.gateways import ccxt_port
from execution.gateways.ccxt_port import CcxtPort
from execution.gateways.desk import Desk
from execution.gateways.state import GatewayState
from tests.execution.kit import BTC
from venues.websocket import Backoff


class Exchange:
    """Answers `load_markets` with each of `answers` in turn, then well."""

    def __init__(self, answers: list[Exception]) -> None:
        self.answers = answers
        self.has: dict[str, bool] = {}
        self.asked: list[float] = []

    async def load_markets(self) -> None:
        self.asked.append(time.monotonic())
        if self.answers:
            raise self.answers.pop(0)

    async def close(self) -> None:
        pass


async def start(exchange: Exchange, folder: Path) -> None:
    port = CcxtPort(lambda: exchange, [BTC])
    state = GatewayState("main", [BTC], folder)
    await port.start(Desk(state, port), [])
    await port.stop()
    state.close()


async def test_a_venue_that_is_down_is_asked_with_growing_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_port, "_PAUSES", Backoff(first_s=0.02, longest_s=1.0))
    exchange = Exchange([ccxt.ExchangeNotAvailable("down")] * 5)
    await start(exchange, tmp_path)
    assert len(exchange.asked) == 6
    assert exchange.asked[-1] - exchange.asked[-2] >= 0.02 * 2**4 / 2, "it may have banned us: no hammering"


@pytest.mark.parametrize("answer", [ccxt.BadResponse("<html>"), KeyError("symbols"), TypeError("None")])
async def test_garbage_instead_of_markets_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    monkeypatch.setattr(ccxt_port, "_PAUSES", Backoff(first_s=0.01, longest_s=0.01))
    exchange = Exchange([answer])
    await start(exchange, tmp_path)
    assert len(exchange.asked) == 2

"""Generated Binance frames for many instruments, already framed as a websocket server sends them."""

from __future__ import annotations

import json
import random
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.instrument import Instrument, InstrumentKind, Status, TradingRules

_BASE = 1_700_000_000_000  # ms


@dataclass(frozen=True, slots=True)
class Script:
    """Frame i is `data[ends[i - 1]:ends[i]]`; its websocket header is part of it."""

    data: bytes
    ends: NDArray[np.int64]
    trade_frame: dict[tuple[int, int], int]  # (instrument, trade id) -> frame


def instruments(count: int) -> tuple[Instrument, ...]:
    """Linear perpetuals with a price scale of 2 and a quantity scale of 3."""
    return tuple(
        Instrument(
            id=n + 1, venue="binance", symbol=f"B{n}/USDT:USDT", venue_symbol=f"B{n}USDT",
            kind=InstrumentKind.LINEAR, base=f"B{n}", quote="USDT", settle="USDT", price_scale=2, qty_scale=3,
            contract_size=10**8, valid_from=0,
        )
        for n in range(count)
    )  # fmt: skip


def rules(lives: tuple[Instrument, ...]) -> tuple[TradingRules, ...]:
    """Rules that let every generated order through."""
    return tuple(TradingRules(life.id, 1, 1, 1, 10**12, 1, 200, 500, Status.TRADING, 0) for life in lives)


def snapshot() -> bytes:
    """The depth answer that every book begins with."""
    bids = [[f"{100 - n / 100:.2f}", "5.000"] for n in range(1, 101)]
    asks = [[f"{100 + n / 100:.2f}", "5.000"] for n in range(1, 101)]
    return json.dumps({"lastUpdateId": 1, "bids": bids, "asks": asks}).encode()


def script(lives: tuple[Instrument, ...], count: int, seed: int = 1) -> Script:
    """`count` frames: 40 % bookTicker, 35 % aggTrade, 25 % depth of 2 to 20 levels, in bursts of nothing regular."""
    rng = random.Random(seed)
    parts: list[bytes] = []
    ends = np.empty(count, dtype=np.int64)
    updates = [1] * len(lives)
    trades = [0] * len(lives)
    trade_frame: dict[tuple[int, int], int] = {}
    at = 0
    for i in range(count):
        n = rng.randrange(len(lives))
        symbol, kind, time = lives[n].venue_symbol, rng.random(), _BASE + i // 8
        if kind < 0.40:
            text = (
                f'{{"stream":"x@bookTicker","data":{{"e":"bookTicker","u":{updates[n]},"E":{time},"T":{time},'
                f'"s":"{symbol}","b":"99.99","B":"{rng.randrange(1, 9999) / 1000:.3f}","a":"100.01",'
                f'"A":"{rng.randrange(1, 9999) / 1000:.3f}"}}}}'
            )
        elif kind < 0.75:
            trades[n] += 1
            trade_frame[lives[n].id, trades[n]] = i
            maker = "true" if rng.random() < 0.5 else "false"
            price = 99.90 + rng.randrange(20) / 100
            text = (
                f'{{"stream":"x@aggTrade","data":{{"e":"aggTrade","E":{time},"a":{trades[n]},"s":"{symbol}",'
                f'"p":"{price:.2f}","q":"{rng.randrange(1, 9999) / 1000:.3f}","f":1,"l":1,"T":{time},"m":{maker}}}}}'
            )
        else:
            before, updates[n] = updates[n], updates[n] + 3
            levels = rng.randrange(1, 11)
            bids = ",".join(f'["{99.99 - rng.randrange(90) / 100:.2f}","{rng.randrange(9999) / 1000:.3f}"]'
                            for _ in range(levels))  # fmt: skip
            asks = ",".join(f'["{100.01 + rng.randrange(90) / 100:.2f}","{rng.randrange(9999) / 1000:.3f}"]'
                            for _ in range(levels))  # fmt: skip
            text = (
                f'{{"stream":"x@depth@100ms","data":{{"e":"depthUpdate","E":{time},"T":{time},"s":"{symbol}",'
                f'"U":{before + 1},"u":{updates[n]},"pu":{before},"b":[{bids}],"a":[{asks}]}}}}'
            )
        payload = text.encode()
        size = len(payload)
        head = struct.pack("!BB", 0x81, size) if size < 126 else struct.pack("!BBH", 0x81, 126, size)
        parts += (head, payload)
        at += len(head) + len(payload)
        ends[i] = at
    return Script(b"".join(parts), ends, trade_frame)

"""The liquidity that is always there: a pure function of time and of the scripted best bid, less what users took."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandbox.engine.types import Side, SymbolSpec
from sandbox.market.calendar import NS_PER_SECOND
from sandbox.market.noise import generator

LEVELS = 25
LIFE_NS = 8 * NS_PER_SECOND   # a level keeps its size this long, then it is quoted anew
_SIZES = 1 << 10
_PHASE = 0x9E3779B97F4A7C15
_MIX = 0xBF58476D1CE4E5B9
_MASK = (1 << 64) - 1
_LIFE = np.uint64(LIFE_NS)
_SHIFT = np.uint64(31)
_LAST = np.uint64(_SIZES - 1)
Level = tuple[int, int]


class Background:
    """Price levels on both sides of the script; what a user took from one is back when its life is over.

    `quote_ns` is the life of the two best levels' sizes: it sets how lively the book is between trades.
    """

    def __init__(self, spec: SymbolSpec, seed: int, quote_ns: int = LIFE_NS) -> None:
        self._spread = spec.spread * spec.tick
        self._tick = spec.tick
        self._step = spec.level_step * spec.tick
        self._lives = np.full(LEVELS, LIFE_NS, dtype=np.uint64)
        self._lives[0] = quote_ns
        self._offsets = np.arange(1, LEVELS, dtype=np.int64) * self._step
        draws = generator(seed, f"{spec.market}:{spec.symbol}:levels").gamma(1.5, 1 / 1.5, _SIZES)
        lots = spec.level_notional / spec.price * 10**spec.qty_scale / spec.lot * draws
        self._sizes = np.maximum(np.rint(lots), 1).astype(np.int64) * spec.lot
        self._salt = np.uint64(generator(seed, f"{spec.market}:{spec.symbol}:salt").integers(1 << 62))
        self._taken: dict[tuple[Side, int], tuple[int, int]] = {}
        self.bid = spec.tick

    @property
    def ask(self) -> int:
        """Best price at which the background sells."""
        return self.bid + self._spread

    def prices(self, side: Side) -> NDArray[np.int64]:
        """Prices of one side, best first: the best itself, then the round ones behind it."""
        if side is Side.BUY:
            tail = (self.bid - 1) // self._step * self._step + self._step - self._offsets
            return np.concatenate([[self.bid], tail[tail > 0]])
        return np.concatenate([[self.ask], self.ask // self._step * self._step + self._offsets])

    def levels(self, side: Side, now_ns: int) -> list[Level]:
        """(price, size) of one side, best first, without emptied levels."""
        prices = self.prices(side)
        keys = prices.view(np.uint64)
        lives = (np.uint64(now_ns) + keys * np.uint64(_PHASE) % _LIFE) // self._lives[:len(keys)]
        mixed = (keys * np.uint64(_MIX) ^ lives * np.uint64(_PHASE)) + self._salt
        mixed = (mixed ^ (mixed >> _SHIFT)) * np.uint64(_MIX)
        sizes = self._sizes[(mixed >> np.uint64(40)) & _LAST]
        pairs = list(zip(prices.tolist(), sizes.tolist(), strict=True))
        return self._less_taken(side, pairs, now_ns) if self._taken else pairs

    def _less_taken(self, side: Side, pairs: list[Level], now_ns: int) -> list[Level]:
        left = []
        for price, size in pairs:
            entry = self._taken.get((side, price))
            if entry is not None:
                until_ns, taken = entry
                if now_ns < until_ns:
                    if taken < size:
                        left.append((price, size - taken))
                    continue
            left.append((price, size))
        return left

    def take(self, side: Side, price: int, qty: int, now_ns: int) -> None:
        """Remember that `qty` of a level is gone until its life ends."""
        if len(self._taken) > 8 * LEVELS:
            self._taken = {key: entry for key, entry in self._taken.items() if now_ns < entry[0]}
        phase = (price * _PHASE & _MASK) % LIFE_NS
        until_ns = ((now_ns + phase) // LIFE_NS + 1) * LIFE_NS - phase
        before = self._taken.get((side, price))
        already = before[1] if before is not None and now_ns < before[0] else 0
        self._taken[side, price] = (until_ns, already + qty)

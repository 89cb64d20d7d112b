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
    """Price levels on both sides of the script; what a user took from one is back when its life is over."""

    def __init__(self, spec: SymbolSpec, seed: int) -> None:
        self._spread = spec.spread * spec.tick
        self._tick = spec.tick
        self._step = spec.level_step * spec.tick
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

    def _life(self, price: int, now_ns: int) -> int:
        """Which life of the level it is."""
        return (now_ns + (price * _PHASE & _MASK) % LIFE_NS) // LIFE_NS

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
        lives = (np.uint64(now_ns) + keys * np.uint64(_PHASE) % _LIFE) // _LIFE
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
                life, taken = entry
                size = size - taken if life == self._life(price, now_ns) else size  # noqa: PLW2901 - the same level
            if size > 0:
                left.append((price, size))
        return left

    def take(self, side: Side, price: int, qty: int, now_ns: int) -> None:
        """Remember that `qty` of a level is gone until its life ends."""
        life = self._life(price, now_ns)
        if len(self._taken) > 8 * LEVELS:
            self._taken = {key: entry for key, entry in self._taken.items() if entry[0] == self._life(key[1], now_ns)}
        before = self._taken.get((side, price))
        already = before[1] if before is not None and before[0] == life else 0
        self._taken[side, price] = (life, already + qty)

"""The liquidity that is always there: a pure function of time and of the scripted best bid, less what users took."""

from __future__ import annotations

import numpy as np

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
_TOP = np.uint64(54)   # leaves the ten bits that choose a size
Level = tuple[int, int]


class Background:
    """Price levels on both sides of the script; what a user took from one is back when its life is over.

    `quote_ns` is the life of the two best levels' sizes: it sets how lively the book is between trades.
    """

    def __init__(self, spec: SymbolSpec, seed: int, quote_ns: int = LIFE_NS) -> None:
        self._spread = spec.spread * spec.tick
        self._tick = spec.tick
        self._step = spec.level_step * spec.tick
        self._lives = np.full(2 * LEVELS, LIFE_NS, dtype=np.uint64)
        self._lives[[0, LEVELS]] = quote_ns
        behind = np.arange(LEVELS, dtype=np.int64) * self._step
        self._offsets = np.concatenate([-behind, behind])
        draws = generator(seed, f"{spec.market}:{spec.symbol}:levels").gamma(1.5, 1 / 1.5, _SIZES)
        lots = spec.level_notional / spec.price * 10**spec.qty_scale / spec.lot * draws
        self._sizes = np.maximum(np.rint(lots), 1).astype(np.int64) * spec.lot
        self._salt = np.uint64(generator(seed, f"{spec.market}:{spec.symbol}:salt").integers(1 << 62))
        self._taken: dict[tuple[Side, int], tuple[int, int]] = {}
        self._kept: tuple[tuple[int, int], tuple[list[Level], list[Level]]] = ((-1, 0), ([], []))
        self.bid = spec.tick

    @property
    def ask(self) -> int:
        """Best price at which the background sells."""
        return self.bid + self._spread

    def _quoted(self, now_ns: int) -> tuple[list[Level], list[Level]]:
        """Both sides as quoted, best first: the best price itself, then the round ones behind it."""
        if self._kept[0] == (now_ns, self.bid):
            return self._kept[1]
        bid, ask, step = self.bid, self.ask, self._step
        prices = self._offsets.copy()
        prices[:LEVELS] += (bid - 1) // step * step + step
        prices[LEVELS:] += ask // step * step
        prices[0], prices[LEVELS] = bid, ask
        keys = prices.view(np.uint64)
        lives = (np.uint64(now_ns) + keys * np.uint64(_PHASE) % _LIFE) // self._lives
        mixed = (keys * np.uint64(_MIX) ^ lives * np.uint64(_PHASE)) + self._salt
        mixed = (mixed ^ (mixed >> _SHIFT)) * np.uint64(_MIX)
        pairs = list(zip(prices.tolist(), self._sizes[mixed >> _TOP].tolist(), strict=True))
        bids, asks = pairs[:LEVELS], pairs[LEVELS:]
        while bids[-1][0] <= 0:
            bids.pop()
        self._kept = ((now_ns, bid), (bids, asks))
        return self._kept[1]

    def levels(self, side: Side, now_ns: int) -> list[Level]:
        """(price, size) of one side, best first, without emptied levels."""
        bids, asks = self._quoted(now_ns)
        pairs = bids if side is Side.BUY else asks
        return self._less_taken(side, pairs, now_ns) if self._taken else pairs.copy()

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

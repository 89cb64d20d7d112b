"""Seeded randomness with random access: the same numbers for the same place, in whatever order it is asked."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Value = TypeVar("Value")


def generator(seed: int, name: str, index: int = 0) -> np.random.Generator:
    """A generator of its own for each place; `index` may be -1, the day before the first."""
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode()), index + 1]))


def wave(knots: Floats, count: int) -> Floats:
    """`count` values drawn through the knots, first knot at 0, last one at `count`: slow noise from few numbers."""
    at = np.arange(count) * ((len(knots) - 1) / count)
    return np.asarray(np.interp(at, np.arange(len(knots)), knots), dtype=np.float64)


class Recent(Generic[Value]):
    """The last few values of a pure function; a value fallen out is made again, the same."""

    def __init__(self, make: Callable[..., Value], size: int) -> None:
        self._make = make
        self._size = size
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()

    def __call__(self, *key: Hashable) -> Value:
        """The value for this key."""
        value = self._kept.get(key)
        if value is None:
            value = self._make(*key)
            self._kept[key] = value
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return value

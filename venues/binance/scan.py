"""Scanning JSON in a byte array, compiled: cursors in, cursors out, -1 for anything that is not plain.

Everything here is stricter than JSON: no escapes, no spaces, no signs or exponents in numbers, ASCII only. What it
accepts is JSON; what it refuses goes to the exact decoder.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

QUOTE = 0x22
COMMA = 0x2C
POINT = 0x2E
ZERO = 0x30
NINE = 0x39
COLON = 0x3A
BACKSLASH = 0x5C
OPEN_LIST = 0x5B
CLOSE_LIST = 0x5D
OPEN = 0x7B
CLOSE = 0x7D
MINUS = 0x2D
_SPACE = 0x20
_DEL = 0x7F
_DIGITS = 18  # more may not fit in 64 bits


@njit(cache=True, inline="always")
def at(frame: Bytes, place: int, end: int) -> int:
    """The byte at `place`, 0 past the end: JSON has no zero byte, so it never matches."""
    return frame[place] if place < end else 0


@njit(cache=True)
def text_end(frame: Bytes, place: int, end: int) -> int:
    """The place of the closing quote of the string whose first character is at `place`; -1."""
    while place < end:
        byte = frame[place]
        if byte == QUOTE:
            return place
        if byte < _SPACE or byte >= _DEL or byte == BACKSLASH:
            return -1
        place += 1
    return -1


@njit(cache=True)
def whole(frame: Bytes, place: int, end: int) -> tuple[int, int]:
    """A whole number without sign and the place after it; place -1 for anything else."""
    start = place
    value = 0
    while place < end and ZERO <= frame[place] <= NINE:
        value = value * 10 + (frame[place] - ZERO)
        place += 1
    digits = place - start
    if digits == 0 or digits > _DIGITS or (digits > 1 and frame[start] == ZERO):
        return 0, -1
    return value, place


@njit(cache=True, inline="always")
def digit(frame: Bytes, place: int) -> int:
    """The digit at `place`; more than 9 for any other byte. An unsigned place spares the check for negative ones."""
    value: int = (frame[np.uint64(place)] - ZERO) & 0xFF
    return value


@njit(cache=True)
def decimal(frame: Bytes, place: int, end: int, scale: int) -> tuple[int, int]:
    """The decimal between quotes that starts at `place` (after the quote), in 10^-scale, and the place after the quote.

    Place -1 when it is not digits with at most one inner point, has more decimals than `scale` that are not zeros, or
    may not fit.
    """
    # The text ends before `end`: at a quote, or there is none and the number is refused.
    value = 0
    start = place
    while place < end:
        one = digit(frame, place)
        if one > 9:
            break
        value = value * 10 + one
        place += 1
    digits = place - start
    if digits == 0 or digits + scale > _DIGITS or place >= end:
        return 0, -1
    left = scale
    if frame[np.uint64(place)] == POINT:
        place += 1
        start = place
        while place < end:
            one = digit(frame, place)
            if one > 9:
                break
            if left > 0:
                value = value * 10 + one
                left -= 1
            elif one != 0:
                return 0, -1
            place += 1
        if place == start or place >= end:
            return 0, -1
    if frame[np.uint64(place)] != QUOTE:
        return 0, -1
    while left > 0:
        value *= 10
        left -= 1
    return value, place + 1


@njit(cache=True)
def plain_end(frame: Bytes, place: int, end: int) -> int:
    """The place after a value nobody reads: a plain string, a whole number, true, false or null; -1 for others."""
    first = at(frame, place, end)
    if first == QUOTE:
        close = text_end(frame, place + 1, end)
        return close + 1 if close >= 0 else -1
    if ZERO <= first <= NINE:
        return whole(frame, place, end)[1]
    if matches(frame, place, end, TRUE) or matches(frame, place, end, NULL):
        return place + 4
    if matches(frame, place, end, FALSE):
        return place + 5
    return -1


TRUE = np.frombuffer(b"true", dtype=np.uint8)
FALSE = np.frombuffer(b"false", dtype=np.uint8)
NULL = np.frombuffer(b"null", dtype=np.uint8)


@njit(cache=True)
def matches(frame: Bytes, place: int, end: int, word: Bytes) -> bool:
    """Whether the bytes of `word` stand at `place`."""
    if place + len(word) > end:
        return False
    for i in range(len(word)):  # noqa: SIM110 - numba compiles loops, not generators
        if frame[place + i] != word[i]:
            return False
    return True

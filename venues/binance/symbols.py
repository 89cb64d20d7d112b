"""The symbols of one connection, for both decoders: a dict, and a hash table of arrays for the compiled one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from infra.errors import TickhouseError
from market.instrument import Instrument
from venues.errors import VenueCode

Bytes = NDArray[np.uint8]

SYMBOL = np.dtype(
    [
        ("low", np.uint64),          # the first eight bytes of the symbol, little end first
        ("high", np.uint64),         # the next eight; longer symbols stay with the exact decoder
        ("instrument", np.uint32),
        ("price_scale", np.int64),
        ("qty_scale", np.int64),
    ],
    align=True,
)
_LONGEST = 16


@dataclass(frozen=True, slots=True)
class Symbols:
    """Instruments by venue symbol; `table` is open-addressed with a power of two places, empty where `low` is 0."""

    by_name: dict[str, Instrument]
    table: NDArray[np.void]


def index(instruments: Sequence[Instrument]) -> Symbols:
    """The symbols of a connection; VENUE_SYMBOL_TWICE when two instruments share one."""
    by_name: dict[str, Instrument] = {}
    size = 8
    while size < 4 * len(instruments):
        size *= 2
    table = np.zeros(size, dtype=SYMBOL)
    for instrument in instruments:
        if instrument.venue_symbol in by_name:
            raise TickhouseError(VenueCode.VENUE_SYMBOL_TWICE, symbol=instrument.venue_symbol)
        by_name[instrument.venue_symbol] = instrument
        name = instrument.venue_symbol.encode()
        if not 0 < len(name) <= _LONGEST:
            continue
        low, high = pack(np.frombuffer(name, dtype=np.uint8), 0, len(name))
        place = int(_place(low, high, size))
        while table[place]["low"]:
            place = (place + 1) % size
        table[place] = (low, high, instrument.id, instrument.price_scale, instrument.qty_scale)
    return Symbols(by_name, table)


@njit(cache=True)
def find(table: NDArray[np.void], frame: Bytes, start: int, end: int) -> int:
    """Place of the symbol in `frame[start:end]`, -1 for none."""
    if not 0 < end - start <= _LONGEST:
        return -1
    low, high = pack(frame, start, end)
    size = len(table)
    place = _place(low, high, size)
    while table[place].low:
        if table[place].low == low and table[place].high == high:
            return place
        place = (place + 1) & (size - 1)
    return -1


@njit(cache=True)
def pack(frame: Bytes, start: int, end: int) -> tuple[np.uint64, np.uint64]:
    """Up to sixteen bytes as two integers."""
    low = np.uint64(0)
    high = np.uint64(0)
    for i in range(start, end):
        shift = np.uint64(8 * ((i - start) & 7))
        if i - start < 8:
            low |= np.uint64(frame[i]) << shift
        else:
            high |= np.uint64(frame[i]) << shift
    return low, high


@njit(cache=True)
def _place(low: np.uint64, high: np.uint64, size: int) -> int:
    mixed = (low ^ (high * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xFF51AFD7ED558CCD)
    place: int = np.int64(mixed >> np.uint64(40)) & (size - 1)  # type: ignore[assignment]  # numba: one type
    return place

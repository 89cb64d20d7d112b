"""The smallest scales that express every number of a file: for looking at one before its instrument is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.files.errors import FileCode

if TYPE_CHECKING:
    from market.instrument import Instrument
    from venues.files.format import Part

Read = Callable[["Instrument", Mapping[str, Any]], Iterator["Part"]]

PRICES: dict[Dataset, tuple[str, ...]] = {
    Dataset.BARS: ("open", "high", "low", "close"), Dataset.TRADES: ("price",),
    Dataset.QUOTES: ("bid_price", "ask_price"), Dataset.BOOK_DELTAS: ("price",),
    Dataset.FUNDING_RATES: ("mark_price",),
}
QUANTITIES: dict[Dataset, tuple[str, ...]] = {
    Dataset.BARS: ("volume",), Dataset.TRADES: ("qty",), Dataset.QUOTES: ("bid_qty", "ask_qty"),
    Dataset.BOOK_DELTAS: ("qty",), Dataset.OPEN_INTEREST: ("qty",),
}
_LEVELS = ("bids", "asks")
_TRIED_PRICES, _TRIED_QUANTITIES = (12, 8, 15, 18, 5, 2, 0), (8, 12, 4, 18, 2, 0)
_MOST = 12  # decimals tried where traces of arithmetic hide the digits
_PRICE_WORDS = ("open", "high", "low", "close", "price", "bid", "ask", "mark")
_QUANTITY_WORDS = ("volume", "qty", "quant", "size", "amount", "vol", "interest")


@dataclass(frozen=True, slots=True)
class Scales:
    """What the file needs. `options` were added to read it at all: `rounded` or `nearest`."""

    price: int
    qty: int
    options: Mapping[str, Any]


def smallest(read: Read, life: Instrument, options: Mapping[str, Any]) -> Scales:
    """The scales; the reader's own error, the one that came furthest into the file, where no scales read it.

    Numbers with traces of binary arithmetic need `rounded`, rates of more than 12 decimals `nearest`: tried last, and
    said in the answer.
    """
    try:
        found = _exactly(read, life, options)
        if max(found.price, found.qty) <= _MOST or "rounded" in options:
            return found
        # More decimals than any venue has: 1.0771600000000001 is the trace of a float, if fewer do under `rounded`.
        return _rounded(read, life, {**options, "rounded": True}) or found
    except TickhouseError as error:
        if error.code is not FileCode.FILE_ROW_BAD or "rounded = true" not in str(error) or "rounded" in options:
            raise
        if error.context.get("column") == "rate" and "nearest" not in options:
            # The scale of rates is fixed at 12 decimals; some venues publish 18.
            found = _exactly(read, life, {**options, "nearest": True})
            return replace(found, options={"nearest": True})
        traces = _rounded(read, life, {**options, "rounded": True})
        if traces is None:
            raise
        return traces


def _exactly(read: Read, life: Instrument, options: Mapping[str, Any]) -> Scales:
    """Reads at ample scales, then takes off the zeros that all numbers end with."""
    prices, quantities = list(_TRIED_PRICES), list(_TRIED_QUANTITIES)
    furthest: TickhouseError | None = None
    while prices and quantities:
        sized = replace(life, price_scale=prices[0], qty_scale=quantities[0])
        try:
            needed = [(_needed(part, PRICES, prices[0]), _needed(part, QUANTITIES, quantities[0]))
                      for part in read(sized, options)]
        except TickhouseError as error:
            kind = _kind(error)
            if not kind:
                raise
            if furthest is None or _line(error) > _line(furthest):
                furthest = error
            (prices if kind == "price" else quantities).pop(0)
            continue
        return Scales(max((p for p, _ in needed), default=0), max((q for _, q in needed), default=0), {})
    if furthest is None:
        raise AssertionError("scales end only by an error")
    raise furthest


def _rounded(read: Read, life: Instrument, options: Mapping[str, Any]) -> Scales | None:
    price, qty = 0, 0
    while price <= _MOST and qty <= _MOST:
        try:
            for _ in read(replace(life, price_scale=price, qty_scale=qty), options):
                pass
        except TickhouseError as error:
            kind = _kind(error)
            if not kind:
                raise
            price, qty = (price + 1, qty) if kind == "price" else (price, qty + 1)
            continue
        return Scales(price, qty, {"rounded": True})
    return None


def _kind(error: TickhouseError) -> str:
    """Whether a price or a quantity could not be expressed; "" where something else is wrong."""
    if error.code is not FileCode.FILE_ROW_BAD:
        return ""
    column = str(error.context.get("column", "")).lower()
    if any(word in column for word in _QUANTITY_WORDS):
        return "qty"
    return "price" if column and any(word in column for word in _PRICE_WORDS) else ""


def _line(error: TickhouseError) -> int:
    line = str(error.context.get("line", "")).partition("-")[0]
    return int(line) if line.isdigit() else 0


def _needed(part: Part, columns: Mapping[Dataset, tuple[str, ...]], scale: int) -> int:
    """The decimals that the numbers of these columns use, of `scale`."""
    frame = part.frame
    values = [frame[name] for name in columns.get(part.dataset, ()) if name in frame.columns]
    field = "price" if columns is PRICES else "qty"
    levels = [frame[name] for name in _LEVELS if name in frame.columns]
    values += [sides.explode().drop_nulls().struct.field(field) for sides in levels]
    used = 0
    for series in values:
        numbers = series.drop_nulls().cast(pl.Int64)
        while used < scale and bool((numbers % 10 ** (scale - used) != 0).any()):
            used += 1
    return used

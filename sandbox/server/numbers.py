"""Scaled integers at the JSON edge: exact both ways."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import ExchangeError


def text(value: int, scale: int, digits: int | None = None) -> str:
    """A scaled integer as a decimal string with `digits` places (the scale's own when None).

    Fewer digits than the scale cut trailing places off, which callers do only where those are zero.
    """
    places = scale if digits is None else digits
    if places >= scale:
        value *= 10 ** (places - scale)
    else:
        cut = 10 ** (scale - places)
        value = -(-value // cut) if value < 0 else value // cut
    if places == 0:
        return str(value)
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 10**places)
    return f"{sign}{whole}.{rest:0{places}d}"


def texts(values: NDArray[np.int64], scale: int, digits: int) -> list[str]:
    """`text` of a whole column of numbers that are not negative, with at least as many digits as the scale."""
    if scale == 0:
        tail = "." + "0" * digits if digits else ""
        return [f"{value}{tail}" for value in values.tolist()]
    tail = "0" * (digits - scale)
    whole, rest = np.divmod(values, 10**scale)
    return [f"{head}.{part:0{scale}d}{tail}" for head, part in zip(whole.tolist(), rest.tolist(), strict=True)]


def ratio(value: float, digits: int = 8) -> str:
    """A float (a rate, a percentage) as a decimal string."""
    return f"{value:.{digits}f}"


def scaled(raw: str, scale: int, name: str) -> int:
    """The integer of a decimal string; -1100 when it is not a plain number, -1111 when it is finer than the scale."""
    if not raw or not all(char in "0123456789." for char in raw):
        raise ExchangeError(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\\.[0-9]{{1,20}})?$'.",
        )
    try:
        shifted = Decimal(raw).scaleb(scale)
    except InvalidOperation:
        raise ExchangeError(-1100, f"Illegal characters found in parameter '{name}'.") from None
    whole = int(shifted)
    if whole != shifted:
        raise ExchangeError(-1111, "Precision is over the maximum defined for this asset.")
    return whole

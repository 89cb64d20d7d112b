"""Values with units as people write them in the limits file: `5000 USDT`, `80 %`, `100 bps`, `2 s`, `20 /s`, `2 x`."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from infra.errors import TickhouseError
from risk.errors import RiskCode

MONEY_SCALE = 8  # money is int64 in 10^-8 of the settlement currency, as in the ledger
PPM = 1_000_000
_VALUE = re.compile(r"(\d+(?:_\d{3})*(?:\.\d+)?)\s*(/?[A-Za-z%]+)")
_RATIO = {"%": 10_000, "bps": 100, "x": PPM}
_SECONDS = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000}

Reader = Callable[[str, object], int]


def money(currency: str) -> Reader:
    """Reader of amounts of `currency`; gives 10^-8 of it."""

    def read(key: str, value: object) -> int:
        return _read(key, value, {currency: 10**MONEY_SCALE})

    return read


def ratio(key: str, value: object) -> int:
    """Parts per million, from `%`, `bps` or `x`."""
    return _read(key, value, _RATIO)


def duration(key: str, value: object) -> int:
    """Nanoseconds, from `us`, `ms`, `s`, `min` or `h`."""
    return _read(key, value, _SECONDS)


def rate(key: str, value: object) -> int:
    """Whole events a second, from `/s`."""
    return _read(key, value, {"/s": 1})


def _read(key: str, value: object, units: dict[str, int]) -> int:
    wanted = "|".join(units)
    match = _VALUE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, value=value, wanted=f"'NUMBER {wanted}'")
    number, unit = match.groups()
    if unit not in units:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, unit=unit, wanted=wanted)
    scaled = Decimal(number.replace("_", "")) * units[unit]
    if scaled != int(scaled):
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, value=value, problem="too many decimals")
    return int(scaled)

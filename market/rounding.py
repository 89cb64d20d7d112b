"""The one place that turns decimals into scaled integers and rounds by an instrument's rules."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from infra.errors import TickhouseError
from market.errors import MarketCode
from market.events import Side

INT64_MAX = 2**63 - 1


def to_int(value: Decimal | str | int, scale: int) -> int:
    """`value` in 10^-scale, exactly.

    MARKET_NUMBER_INEXACT when it has more decimals than `scale` (trailing zeros do not count),
    MARKET_NUMBER_BAD for anything that is not a finite decimal, MARKET_NUMBER_RANGE outside int64.
    A float is refused by type: it has already lost digits.
    """
    # Decimal takes digits of every script, blanks and underscores; no venue means these.
    if isinstance(value, str) and (not value.isascii() or "_" in value or value != value.strip()):
        raise TickhouseError(MarketCode.MARKET_NUMBER_BAD, value=value)
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise TickhouseError(MarketCode.MARKET_NUMBER_BAD, value=value) from error
    if not number.is_finite():
        raise TickhouseError(MarketCode.MARKET_NUMBER_BAD, value=value)
    sign, digits, exponent = number.as_tuple()
    shift = int(exponent) + scale
    if shift > 40 and any(digits):  # 10^40 is far outside int64: do not even build it
        raise TickhouseError(MarketCode.MARKET_NUMBER_RANGE, value=value, scale=scale)
    whole: int = int("".join(map(str, digits)) or "0")
    if shift >= 0:
        whole *= int(10 ** min(shift, 40))
    else:
        whole, rest = divmod(whole, int(10**-shift))
        if rest:
            raise TickhouseError(MarketCode.MARKET_NUMBER_INEXACT, value=value, scale=scale)
    if whole > INT64_MAX:
        raise TickhouseError(MarketCode.MARKET_NUMBER_RANGE, value=value, scale=scale)
    return -whole if sign else whole


def to_decimal(value: int, scale: int) -> Decimal:
    """The decimal that `value` in 10^-scale stands for, exact, with `scale` decimals."""
    sign = 1 if value < 0 else 0
    return Decimal((sign, tuple(int(digit) for digit in str(abs(int(value)))), -scale))


def decimals(step: Decimal | str) -> int:
    """How many decimals a step such as "0.010" needs: 2; 0 for whole steps."""
    exponent = Decimal(step).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def round_price(price: int, tick: int, side: Side) -> int:
    """The nearest price on the tick grid that is no worse for the order: down for a buy, up for a sell."""
    _check(tick)
    return price // tick * tick if side == Side.BUY else -(-price // tick) * tick


def round_qty(qty: int, lot: int) -> int:
    """`qty` rounded towards zero to whole lots; the sign stays."""
    _check(lot)
    whole = abs(qty) // lot * lot
    return whole if qty >= 0 else -whole


def notional(price: int, qty: int) -> int:
    """Exact value of a spot or linear quantity in 10^-(price_scale + qty_scale) of the quote currency.

    Signed as `qty` is. A Python int: the product may pass 64 bits.
    """
    return int(price) * int(qty)


def rescale(value: int, from_scale: int, to_scale: int) -> int:
    """`value` in another scale, half to even where digits go; for figures that are shown, never for prices."""
    if to_scale >= from_scale:
        return value * int(10 ** (to_scale - from_scale))
    step = int(10 ** (from_scale - to_scale))
    whole, rest = divmod(value, step)
    if 2 * rest > step or (2 * rest == step and whole % 2):
        whole += 1
    return whole


def _check(step: int) -> None:
    if step <= 0:
        raise TickhouseError(MarketCode.MARKET_STEP_BAD, step=step)

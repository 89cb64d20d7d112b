"""What a quantity is worth at a price: exact integers in 10^-18 of the settlement currency."""

from __future__ import annotations

from dataclasses import dataclass

from infra.errors import TickhouseError
from ledger.errors import LedgerCode
from market.instrument import Instrument, InstrumentKind

MONEY_SCALE = 18                # cash inside the ledger; Python integers have no upper bound
REPORT_SCALE = 8                # what venues, tables and people use
_TO_MONEY = 10_000_000_000


def money(amount: int) -> int:
    """10^-8 units to the ledger's 10^-18."""
    return amount * _TO_MONEY


def reported(amount: int) -> int:
    """The ledger's 10^-18 to 10^-8 units, half to even."""
    return round_ratio(amount, _TO_MONEY)


def round_ratio(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, half to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient & 1):
        return quotient + 1
    return quotient


@dataclass(frozen=True, slots=True)
class Valuation:
    """How an instrument's quantity turns into money.

    `cost` of a position is the sum of the values of its fills, so profit is value now less cost for every
    kind of contract: an inverse contract is worth minus quantity over price (in its base coin).
    """

    settle: str
    inverse: bool
    factor: int   # linear: value = price * qty * factor; inverse: value = -qty * factor / price

    def value(self, price: int, qty: int) -> int:
        """Value of a signed quantity at a price; exact, but for inverse contracts rounded at 10^-18."""
        if self.inverse:
            return round_ratio(-qty * self.factor, price) if price else 0
        return price * qty * self.factor

    def average_price(self, cost: int, qty: int) -> int:
        """The price at which `qty` would have cost `cost`, rounded to the price scale; 0 when flat."""
        if qty == 0 or cost == 0:
            return 0
        if self.inverse:
            return round_ratio(abs(qty) * self.factor, abs(cost))
        return round_ratio(abs(cost), abs(qty) * self.factor)


def valuation(instrument: Instrument) -> Valuation:
    """The valuation of an instrument; LEDGER_SCALE_TOO_FINE where it would not be exact."""
    inverse = instrument.kind == InstrumentKind.INVERSE
    # A quantity is 10^-qty_scale contracts of contract_size * 10^-8 each.
    places = MONEY_SCALE - REPORT_SCALE - instrument.qty_scale
    places += instrument.price_scale if inverse else -instrument.price_scale
    if places >= 0:
        return Valuation(instrument.settle, inverse, instrument.contract_size * 10**places)
    factor, rest = divmod(instrument.contract_size, 10**-places)
    if rest:
        raise TickhouseError(LedgerCode.LEDGER_SCALE_TOO_FINE, instrument=instrument.id, symbol=instrument.symbol)
    return Valuation(instrument.settle, inverse, factor)

"""A position at average cost: every fill splits into a part that closes and a part that opens."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.value import Valuation, round_ratio


@dataclass(slots=True)
class Position:
    """Money in 10^-18 of the settlement currency.

    Invariant: `realised - cost` is minus the sum of the values of all fills, whatever their order, so
    sub-books always add up to the whole; rounding of released cost only moves profit in time.
    """

    valuation: Valuation
    qty: int = 0        # signed
    cost: int = 0       # signed value of the open quantity at its fill prices
    realised: int = 0   # trading profit taken, before fees and funding
    funding: int = 0    # received; negative when paid
    fees: int = 0       # paid in the settlement currency; others are in the book

    @property
    def average_price(self) -> int:
        """Average entry price in the instrument's scale; 0 when flat."""
        return self.valuation.average_price(self.cost, self.qty)

    def unrealised(self, mark: int) -> int:
        """Profit of the open quantity at a mark price."""
        return self.valuation.value(mark, self.qty) - self.cost

    def profit(self, mark: int) -> int:
        """All profit in the settlement currency: taken, open and funding, less fees."""
        return self.realised + self.unrealised(mark) + self.funding - self.fees

    def fill(self, qty: int, value: int) -> int:
        """Takes a signed fill of that value; gives the profit it realised."""
        if self.qty == 0 or (self.qty > 0) == (qty > 0):
            self.qty += qty
            self.cost += value
            return 0
        if abs(qty) <= abs(self.qty):
            released = round_ratio(self.cost * abs(qty), abs(self.qty))
            opened = 0
        else:  # through zero: the rest opens the other way
            released = self.cost
            opened = round_ratio(value * abs(qty + self.qty), abs(qty))
        profit = -(value - opened) - released
        self.qty += qty
        self.cost += opened - released
        self.realised += profit
        return profit

"""Which strategy owns how much of an order's fills: remaining shares, by largest remainder."""

from __future__ import annotations

from infra.errors import TickhouseError
from ledger.allot import allot
from ledger.errors import LedgerCode
from ledger.intent import Intent, Share


class Shares:
    """What is still to be allotted of one order; the last fill gives every strategy exactly its share."""

    __slots__ = ("_left", "_names", "_whole")

    def __init__(self, intent: Intent) -> None:
        shares = intent.shares or (Share(intent.strategy, intent.sign * intent.qty),)
        self._names = [share.strategy for share in shares]
        self._whole = [share.qty for share in shares]
        self._left = list(self._whole)
        if sum(self._whole) != intent.sign * intent.qty:
            raise TickhouseError(LedgerCode.LEDGER_SHARES_WRONG, order_id=intent.order_id, qty=intent.qty)

    def take(self, qty: int) -> tuple[Share, ...]:
        """Shares of a signed fill; what goes beyond the order is shared like the whole."""
        if len(self._names) == 1:
            return (Share(self._names[0], qty),)
        left = sum(self._left)
        within = min(abs(qty), abs(left)) * (1 if qty > 0 else -1)
        parts = [0] * len(self._names)
        if within:
            parts = allot(within, self._left)
            self._left = [rest - part for rest, part in zip(self._left, parts, strict=True)]
        if qty != within:
            parts = [a + b for a, b in zip(parts, allot(qty - within, self._whole), strict=True)]
        return tuple(Share(name, part) for name, part in zip(self._names, parts, strict=True) if part)


"""Comparing positions with the venue's: what others did is booked, what nothing explains stops trading."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from execution import reconcile
from execution.gateways.port import Account, Ears, Port
from execution.gateways.state import GatewayState
from execution.messages import CashKind, CashMove
from ledger.order import OrderEvent

log = structlog.get_logger()

_OVERLAP_NS = 60_000_000_000  # trades are asked for from so long before the last one we know


class PositionCheck:
    """Keeps `mismatch`: whether positions differ from the venue's in a way that nothing explains."""

    def __init__(
        self, state: GatewayState, port: Port, ears: Ears, report: Callable[[OrderEvent], None],
        clock: Callable[[], int],
    ) -> None:
        self._state = state
        self._port = port
        self._ears = ears
        self._report = report
        self._clock = clock
        self.mismatch = False

    async def run(self) -> bool:
        """Whether positions could be compared: the venue answered, and no news came meanwhile."""
        before = self._state.last_report
        account = await self._port.account()
        if account is None:  # silence changes nothing that we knew
            return False
        if self._state.last_report != before:
            return False     # the answer is older than our news
        if before == 0:
            self._adopt(account)
        differences = self._differences(account)
        if differences:
            await self._book_foreign()
            differences = self._differences(account)
        if bool(differences) != self.mismatch:
            log.warning("positions compared", differences=differences)
        self.mismatch = bool(differences)
        return True

    async def _book_foreign(self) -> None:
        fills = await self._port.fills_since(max(self._state.last_fill_ns - _OVERLAP_NS, self._state.born_ns))
        for fill in fills or ():
            self._ears.on_fill(fill)
        # What is older than our first report is in the opening positions.
        fresh = [fill for fill in fills or () if fill.ts_event > self._state.born_ns]
        for event in reconcile.foreign_fills(fresh, self._state.by_venue_id, self._state.knows_fill):
            self._report(event)

    def _differences(self, account: Account) -> list[tuple[int, int, int]]:
        return reconcile.position_differences(self._state.contracts(), account.positions)

    def _adopt(self, account: Account) -> None:
        """The first meeting: what the account holds becomes the opening balance and external positions."""
        now = self._clock()
        for asset, amount in sorted(account.balances.items()):
            if amount:
                self._ears.on_cash(CashMove(CashKind.DEPOSIT, f"opening-{asset}", now, asset, amount))
        for instrument, qty in sorted(account.positions.items()):
            if qty:
                self._report(reconcile.opening_event(instrument, qty, account.entry_prices.get(instrument, 0), now))

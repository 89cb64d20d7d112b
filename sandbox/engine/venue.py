"""All state of the exchange in one place."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.engine.floor import Floor
from sandbox.engine.linear import LinearAccounts
from sandbox.engine.registry import Registry
from sandbox.engine.spot import SpotAccounts
from sandbox.engine.types import LINEAR, SPOT, BalanceUpdate, Event, Income, IncomeKind, PositionUpdate, SymbolSpec
from sandbox.errors import Code, ExchangeError
from sandbox.market.script import Script


class Venue:
    """Floors, accounts and orders, and the events of what is going on now."""

    def __init__(self, script: Script, specs: Sequence[SymbolSpec], now_ns: int, quote_ns: int) -> None:
        self.script = script
        self.now_ns = now_ns
        self.quote_ns = quote_ns
        self.floors = {spec.key: Floor(script, spec, now_ns, quote_ns) for spec in specs}
        self.spot = SpotAccounts()
        self.linear = LinearAccounts({spec.symbol: spec for spec in specs if spec.market == LINEAR}, self.mark)
        self.registries = {SPOT: Registry(), LINEAR: Registry()}
        self.incomes: dict[str, list[Income]] = {}
        self.next_income = 1
        self.events: list[Event] = []
        self._marks: dict[str, tuple[int, int]] = {}

    def floor(self, market: str, symbol: str) -> Floor:
        """Where this symbol trades; refused as Binance does when there is none."""
        floor = self.floors.get((market, symbol))
        if floor is None:
            raise ExchangeError(Code.BAD_SYMBOL, "Invalid symbol.")
        return floor

    def accounts(self, market: str) -> SpotAccounts | LinearAccounts:
        """The market's accounts."""
        return self.spot if market == SPOT else self.linear

    def mark(self, symbol: str) -> int:
        """Mark price now."""
        kept = self._marks.get(symbol)
        if kept is None or kept[0] != self.now_ns:
            kept = (self.now_ns, self.script.fair_price(self.script.spec(LINEAR, symbol), self.now_ns))
            self._marks[symbol] = kept
        return kept[1]

    def drain(self) -> list[Event]:
        """The events since the last time."""
        events, self.events = self.events, []
        return events

    def earn(self, account: str, symbol: str, kind: IncomeKind, amount: int, trade_id: int = 0) -> None:
        """Note why a linear wallet changed."""
        if amount:
            income = Income(self.next_income, account, symbol, kind, amount, trade_id, self.now_ns)
            self.incomes.setdefault(account, []).append(income)
            self.next_income += 1

    def tell_balance(self, account: str, spec: SymbolSpec, reason: str = "ORDER") -> None:
        """Tell an account what it has now in what this symbol moves."""
        if spec.market == SPOT:
            balances = self.spot.some(account, (spec.base, spec.quote))
        else:
            balances = self.linear.some(account)
        self.events.append(BalanceUpdate(account, spec.market, self.now_ns, reason, balances))
        if spec.market == LINEAR:
            position = self.linear.position(account, spec)
            self.events.append(PositionUpdate(account, self.now_ns, reason, position))

"""Every order ever accepted, found by venue id, client id, account or symbol."""

from __future__ import annotations

from sandbox.engine.types import Fill, Order
from sandbox.errors import Code, ExchangeError


class Registry:
    """Orders and fills of one market."""

    def __init__(self) -> None:
        self.next_id = 1
        self._orders: dict[int, Order] = {}
        self._by_client: dict[tuple[str, str, str], int] = {}   # the latest order with that client id
        self._by_owner: dict[tuple[str, str], list[int]] = {}
        self._open: dict[str, dict[int, Order]] = {}
        self._fills: dict[tuple[str, str], list[Fill]] = {}

    def add(self, order: Order) -> None:
        """Take a new order in."""
        self._orders[order.id] = order
        self._by_client[order.account, order.symbol, order.client_id] = order.id
        self._by_owner.setdefault((order.account, order.symbol), []).append(order.id)
        self._open.setdefault(order.account, {})[order.id] = order
        self.next_id = order.id + 1

    def close(self, order: Order) -> None:
        """An order is no longer open."""
        self._open[order.account].pop(order.id, None)

    def open_with_client(self, account: str, symbol: str, client_id: str) -> bool:
        """Whether an open order carries this client id."""
        order_id = self._by_client.get((account, symbol, client_id))
        return order_id is not None and self._orders[order_id].is_open

    def find(self, account: str, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """The order with this venue id, or the latest with this client id."""
        if order_id is None and client_id is None:
            raise ExchangeError(Code.MISSING_PARAMETER,
                                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        if order_id is None:
            order_id = self._by_client.get((account, symbol, client_id or ""))
        order = self._orders.get(order_id) if order_id is not None else None
        return order if order is not None and (order.account, order.symbol) == (account, symbol) else None

    def open_of(self, account: str, symbol: str | None = None) -> list[Order]:
        """An account's open orders, oldest first."""
        mine = self._open.get(account, {}).values()
        return [order for order in mine if symbol is None or order.symbol == symbol]

    def all_of(self, account: str, symbol: str) -> list[Order]:
        """An account's orders in a symbol, oldest first."""
        return [self._orders[order_id] for order_id in self._by_owner.get((account, symbol), ())]

    def add_fill(self, fill: Fill) -> None:
        """Keep a fill."""
        self._fills.setdefault((fill.account, fill.symbol), []).append(fill)

    def fills_of(self, account: str, symbol: str | None) -> list[Fill]:
        """An account's fills, oldest first; of all symbols when none is named."""
        if symbol is not None:
            return list(self._fills.get((account, symbol), ()))
        mine = [fill for (owner, _), fills in self._fills.items() if owner == account for fill in fills]
        return sorted(mine, key=lambda fill: fill.ts_ns)

"""Spot accounts: balances, what open orders hold of them, fees in the asset received."""

from __future__ import annotations

from sandbox.engine.types import SPOT, AccountView, Balance, Order, Side, SymbolSpec
from sandbox.errors import Code, ExchangeError

INSUFFICIENT = "Account has insufficient balance for requested action."


class SpotAccounts:
    """Every account's assets in 10^-8; `world` is everybody who is not our user, `fees` the exchange's own."""

    def __init__(self) -> None:
        self.balances: dict[str, dict[str, list[int]]] = {}  # account -> asset -> [free, locked]
        self.world: dict[str, int] = {}
        self.fees: dict[str, int] = {}

    def balance(self, account: str, asset: str) -> list[int]:
        """The living [free, locked] of one asset."""
        return self.balances.setdefault(account, {}).setdefault(asset, [0, 0])

    def deposit(self, account: str, asset: str, amount: int) -> None:
        """Add to (or, negative, take from) an account."""
        balance = self.balance(account, asset)
        if balance[0] + amount < 0:
            raise ExchangeError(Code.NEW_ORDER_REJECTED, INSUFFICIENT)
        balance[0] += amount

    def require(self, order: Order, spec: SymbolSpec, needed: int) -> None:
        """Refuse an order that its account cannot pay."""
        if self.balance(order.account, _paying(order, spec))[0] < needed:
            raise ExchangeError(Code.NEW_ORDER_REJECTED, INSUFFICIENT)

    def reserve(self, order: Order, spec: SymbolSpec, amount: int) -> None:
        """Hold `amount` of the paying asset for the order, checked before."""
        balance = self.balance(order.account, _paying(order, spec))
        balance[0] -= amount
        balance[1] += amount
        order.locked += amount

    def release(self, order: Order, spec: SymbolSpec, keep: int = 0) -> None:
        """Give back what the order holds above `keep`."""
        excess = order.locked - keep
        balance = self.balance(order.account, _paying(order, spec))
        balance[0] += excess
        balance[1] -= excess
        order.locked = keep

    def settle(self, order: Order, spec: SymbolSpec, qty: int, quote: int, fee_ppm: int) -> tuple[int, str, int]:
        """Book one fill of an order: (fee, its asset, 0). The order holds what it pays."""
        base = qty * spec.qty_factor
        paid, received = (quote, base) if order.side is Side.BUY else (base, quote)
        asset = spec.base if order.side is Side.BUY else spec.quote
        fee = -(-received * fee_ppm // 1_000_000)
        self.balance(order.account, _paying(order, spec))[1] -= paid
        order.locked -= paid
        self.balance(order.account, asset)[0] += received - fee
        self.fees[asset] = self.fees.get(asset, 0) + fee
        return fee, asset, 0

    def settle_world(self, side: Side, spec: SymbolSpec, qty: int, quote: int) -> None:
        """Book the other side of a fill when it was not one of our users; `side` is the world's."""
        sign = 1 if side is Side.BUY else -1
        self.world[spec.base] = self.world.get(spec.base, 0) + sign * qty * spec.qty_factor
        self.world[spec.quote] = self.world.get(spec.quote, 0) - sign * quote

    def some(self, account: str, assets: tuple[str, ...]) -> tuple[Balance, ...]:
        """These assets of an account."""
        mine = self.balances.get(account, {})
        return tuple(Balance(asset, *mine.get(asset, (0, 0))) for asset in assets)

    def view(self, account: str, now_ns: int) -> AccountView:
        """The whole account: what it has any of."""
        assets = tuple(sorted(asset for asset, amounts in self.balances.get(account, {}).items() if any(amounts)))
        return AccountView(account, SPOT, self.some(account, assets), updated_ns=now_ns)


def _paying(order: Order, spec: SymbolSpec) -> str:
    """The asset that an order gives."""
    return spec.quote if order.side is Side.BUY else spec.base

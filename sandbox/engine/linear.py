"""Perpetual accounts: a USDT wallet, one-way positions, cross margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.engine.types import LINEAR, AccountView, Balance, Order, Position, Side, SymbolSpec
from sandbox.errors import Code, ExchangeError

ASSET = "USDT"
DEFAULT_LEVERAGE = 20


@dataclass(slots=True)
class Holding:
    """One account in one symbol; money in 10^-8 USDT."""

    qty: int = 0                  # signed
    cost: int = 0                 # signed like qty: what the open quantity was bought (sold) for
    leverage: int = DEFAULT_LEVERAGE
    buying: int = 0               # notional of open orders that are not reduce-only
    selling: int = 0
    updated_ns: int = 0

    def initial_margin(self, notional: int) -> int:
        """What position and open orders together tie up, at a signed position notional."""
        return max(abs(notional + self.buying), abs(notional - self.selling)) // self.leverage

    def trade(self, signed_qty: int, quote: int) -> int:
        """Change the position; profit taken. `quote` is the trade's notional."""
        if self.qty == 0 or (self.qty > 0) == (signed_qty > 0):
            self.qty += signed_qty
            self.cost += quote if signed_qty > 0 else -quote
            return 0
        closing = min(abs(self.qty), abs(signed_qty))
        # Round the closed part of cost and of the trade the same way each time: what is left stays in the position.
        cost_part = self.cost * closing // abs(self.qty)
        quote_part = quote * closing // abs(signed_qty)
        sign = 1 if signed_qty > 0 else -1
        self.cost -= cost_part
        self.qty += sign * closing
        opened = abs(signed_qty) - closing
        if opened:
            self.qty = sign * opened
            self.cost += sign * (quote - quote_part)
        # A closed long was bought for cost_part and sold for quote_part; a short has a negative cost.
        return -sign * quote_part - cost_part


@dataclass(slots=True)
class Wallet:
    """One account."""

    balance: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)


class LinearAccounts:
    """Every wallet; `world` is the cash of everybody who is not our user, `fees` the exchange's own."""

    def __init__(self, specs: Mapping[str, SymbolSpec], mark: Callable[[str], int]) -> None:
        self._specs = specs
        self._mark = mark
        self.wallets: dict[str, Wallet] = {}
        self.world = 0
        self.world_qty: dict[str, int] = {}
        self.fees = 0

    def wallet(self, account: str) -> Wallet:
        """The living wallet."""
        return self.wallets.setdefault(account, Wallet())

    def holding(self, account: str, symbol: str) -> Holding:
        """The living position, flat when there was none."""
        return self.wallet(account).holdings.setdefault(symbol, Holding())

    def deposit(self, account: str, amount: int) -> None:
        """Add to (or, negative, take from) a wallet."""
        if amount < 0 and self.available(account) + amount < 0:
            raise ExchangeError(Code.MARGIN_INSUFFICIENT, "Margin is insufficient.")
        self.wallet(account).balance += amount

    def notional(self, symbol: str, qty: int) -> int:
        """Signed notional at mark."""
        return qty * self._mark(symbol) * self._specs[symbol].notional_factor

    def require(self, order: Order, spec: SymbolSpec, notional: int) -> None:
        """Refuse an order of this notional that the margin does not carry."""
        wallet = self.wallet(order.account)
        holding = self.holding(order.account, spec.symbol)
        value = self.notional(spec.symbol, holding.qty)
        before = holding.initial_margin(value)
        buys = order.side is Side.BUY
        after = max(abs(value + holding.buying + (notional if buys else 0)),
                    abs(value - holding.selling - (0 if buys else notional))) // holding.leverage
        if after > before and after - before > self._free(wallet):
            raise ExchangeError(Code.MARGIN_INSUFFICIENT, "Margin is insufficient.")

    def reserve(self, order: Order, spec: SymbolSpec, notional: int) -> None:
        """Count an open order in its account's margin."""
        self._count(order, spec, notional)

    def release(self, order: Order, spec: SymbolSpec, keep: int = 0) -> None:
        """Count an order only with `keep` of notional."""
        self._count(order, spec, keep - order.locked)

    def _count(self, order: Order, spec: SymbolSpec, change: int) -> None:
        if order.reduce_only or order.close_position:
            return
        holding = self.holding(order.account, spec.symbol)
        order.locked += change
        if order.side is Side.BUY:
            holding.buying += change
        else:
            holding.selling += change

    def settle(self, order: Order, spec: SymbolSpec, qty: int, quote: int, fee_ppm: int) -> tuple[int, str, int]:
        """Book one fill: (fee, its asset, profit taken)."""
        wallet = self.wallet(order.account)
        realized = self.holding(order.account, spec.symbol).trade(qty if order.side is Side.BUY else -qty, quote)
        fee = -(-quote * fee_ppm // 1_000_000)
        wallet.balance += realized - fee
        self.fees += fee
        return fee, ASSET, realized

    def settle_world(self, side: Side, spec: SymbolSpec, qty: int, quote: int) -> None:
        """Book the other side of a fill when it was not one of our users; `side` is the world's."""
        sign = 1 if side is Side.BUY else -1
        self.world -= sign * quote
        self.world_qty[spec.symbol] = self.world_qty.get(spec.symbol, 0) + sign * qty

    def fund(self, account: str, symbol: str, mark: int, rate: int) -> int:
        """Pay or receive funding; the change of the wallet. A positive rate is paid by the long."""
        holding = self.holding(account, symbol)
        amount = -(holding.qty * mark * self._specs[symbol].notional_factor * rate) // 10**8
        self.wallet(account).balance += amount
        self.world -= amount
        return amount

    def cover(self, account: str) -> int:
        """Fill up a wallet that a liquidation left below nothing; what that took."""
        wallet = self.wallet(account)
        missing = max(0, -wallet.balance)
        wallet.balance += missing
        self.world -= missing
        return missing

    def exposed(self) -> Iterator[tuple[str, str, Holding]]:
        """Every open position, in an order that does not depend on who asked what before."""
        for account in sorted(self.wallets):
            holdings = self.wallets[account].holdings
            for symbol in self._specs:
                holding = holdings.get(symbol)
                if holding is not None and holding.qty:
                    yield account, symbol, holding

    def is_bankrupt(self, account: str) -> bool:
        """Whether the margin balance is below the maintenance margin of open positions."""
        balance = self.wallets[account].balance
        maintenance = 0
        for symbol, holding in self.wallets[account].holdings.items():
            if holding.qty:
                value = self.notional(symbol, holding.qty)
                balance += value - holding.cost
                maintenance += abs(value) * self._specs[symbol].maintenance_ppm // 1_000_000
        return maintenance > 0 and balance < maintenance

    def _free(self, wallet: Wallet) -> int:
        free = wallet.balance
        for symbol, holding in wallet.holdings.items():
            value = self.notional(symbol, holding.qty)
            free += value - holding.cost - holding.initial_margin(value)
        return free

    def available(self, account: str) -> int:
        """What new orders may tie up."""
        return max(0, self._free(self.wallet(account)))

    def set_leverage(self, account: str, spec: SymbolSpec, leverage: int) -> None:
        """Change a symbol's leverage; refused when the margin does not carry it."""
        holding = self.holding(account, spec.symbol)
        before = holding.leverage
        holding.leverage = leverage
        if leverage < before and self._free(self.wallet(account)) < 0:
            holding.leverage = before
            raise ExchangeError(Code.MARGIN_INSUFFICIENT, "Margin is insufficient.")

    def position(self, account: str, spec: SymbolSpec) -> Position:
        """How a position stands at mark."""
        holding = self.holding(account, spec.symbol)
        value = self.notional(spec.symbol, holding.qty)
        maintenance = abs(value) * spec.maintenance_ppm // 1_000_000
        return Position(
            symbol=spec.symbol, qty=holding.qty, cost=holding.cost, mark=self._mark(spec.symbol),
            unrealized=value - holding.cost, notional=value, leverage=holding.leverage,
            initial_margin=abs(value) // holding.leverage, maintenance_margin=maintenance,
            liquidation_price=self._liquidation_price(account, spec, holding), updated_ns=holding.updated_ns)

    def _liquidation_price(self, account: str, spec: SymbolSpec, holding: Holding) -> int:
        """The mark at which the margin balance meets the maintenance margin, the other positions as they are."""
        if not holding.qty:
            return 0
        wallet = self.wallets[account]
        spare = wallet.balance - holding.cost
        for symbol, other in wallet.holdings.items():
            if symbol != spec.symbol and other.qty:
                value = self.notional(symbol, other.qty)
                spare += value - other.cost - abs(value) * self._specs[symbol].maintenance_ppm // 1_000_000
        # spare + qty * price = |qty| * price * maintenance
        per_price = abs(holding.qty) * spec.maintenance_ppm - holding.qty * 1_000_000
        return max(0, spare * 1_000_000 // (per_price * spec.notional_factor))

    def some(self, account: str) -> tuple[Balance, ...]:
        """The wallet as a balance."""
        return (Balance(ASSET, self.wallet(account).balance, 0),)

    def view(self, account: str, now_ns: int) -> AccountView:
        """The whole account."""
        wallet = self.wallet(account)
        positions = tuple(self.position(account, spec) for spec in self._specs.values())
        total = sum(wallet.holdings[position.symbol].initial_margin(position.notional) for position in positions)
        held = sum(position.initial_margin for position in positions)
        return AccountView(
            account=account, market=LINEAR, balances=self.some(account), positions=positions, wallet=wallet.balance,
            unrealized=sum(position.unrealized for position in positions), position_margin=held,
            order_margin=max(0, total - held),
            maintenance_margin=sum(position.maintenance_margin for position in positions),
            available=self.available(account), updated_ns=now_ns)

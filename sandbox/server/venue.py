"""The exchange at work: the core, its clock, its log and its listeners, with every command in one order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.engine.exchange import Exchange
from sandbox.engine.types import LINEAR, SPOT, Event, NewOrder, Order, Side, SymbolSpec
from sandbox.errors import ExchangeError
from sandbox.market.script import Script
from sandbox.market.specs import default_specs
from sandbox.server import commandlog as log
from sandbox.server.candles import DayCandles
from sandbox.server.clock import NS_PER_MS, NS_PER_SECOND, MarketClock, wall_ns
from sandbox.server.options import Options
from sandbox.server.order_json import waits
from sandbox.server.users import Door, ListenKeys
from sandbox.server.weights import FUTURES_LIMITS, SPOT_LIMITS, Limits, Meter

LOG_NAME = "commands.jsonl"
MAX_NOTIONAL = 100_000_000 * 10**8  # at leverage 1, in 10^-8 USDT, as the core answers a change of leverage


class StateMismatchError(Exception):
    """The state folder belongs to another market than the one asked for."""


@dataclass(frozen=True)
class Replaced:
    """Outcome of a cancel-replace: an error where a half failed, None where the new order was not tried."""

    cancelled: Order | ExchangeError
    created: Order | ExchangeError | None
    events: Sequence[Event]


class Venue:
    """One exchange; `listener` gets every event in order, commands raise ExchangeError when refused."""

    def __init__(self, options: Options, clock_ns: Callable[[], int] = wall_ns) -> None:
        self.options = options
        self.wall_ns = clock_ns
        self.listener: Callable[[Sequence[Event]], None] = _nobody
        self.listen_keys = ListenKeys("listen-key")
        self.meters = {
            SPOT: Meter(Limits(options.spot_weight, SPOT_LIMITS.orders, options.ban_after)),
            LINEAR: Meter(Limits(options.futures_weight, FUTURES_LIMITS.orders, options.ban_after)),
        }
        self.day_candles = DayCandles()
        self._countdowns: dict[tuple[str, str], int] = {}
        self.failure: OSError | None = None
        self._log = log.CommandLog(options.state / LOG_NAME) if options.state else None
        records = list(self._log.records()) if self._log else []
        opened, self.clock = self._identity(records)
        specs = default_specs(opened.trades_per_day)
        self.exchange = Exchange(Script(opened.seed, specs), specs, opened.start_ns, opened.quote_rate)
        known = self._replay(records)
        self.exchange.fast_forward(max(self.clock.at(clock_ns()), self.exchange.now_ns))
        self._open_accounts(known)

    def _identity(self, records: Sequence[log.Record]) -> tuple[log.Opened, MarketClock]:
        """What market this is and how its time runs: from the log where there is one, else from the options."""
        options, now = self.options, self.wall_ns()
        if not records:
            clock = MarketClock(now, int(options.lag_s * NS_PER_SECOND), options.speed)
            opened = log.Opened(log.FORMAT, options.seed, options.trades_per_day, options.quote_rate, clock.at(now))
            self._record(opened)
            self._record(log.Paced(clock.wall_start_ns, clock.lag_ns, clock.speed))
            return opened, clock
        first = records[0]
        wanted = (log.FORMAT, options.seed, options.trades_per_day, options.quote_rate)
        if not isinstance(first, log.Opened):
            raise StateMismatchError(f"{LOG_NAME} does not begin as a command log: move the state folder away")
        found = (first.format, first.seed, first.trades_per_day, first.quote_rate)
        if found != wanted:
            raise StateMismatchError(
                f"the state folder holds (format, seed, trades a day, quote rate) {found}, asked for {wanted}: "
                "start with the same options, or with another --state folder"
            )
        paced = [record for record in records if isinstance(record, log.Paced)][-1]
        clock = MarketClock(paced.wall_start_ns, paced.lag_ns, paced.speed)
        if clock.speed != options.speed:
            # Another speed takes over where the market stands, so that its time never jumps.
            clock = MarketClock(now, now - clock.at(now), options.speed)
            self._record(log.Paced(clock.wall_start_ns, clock.lag_ns, clock.speed))
        return first, clock

    def _replay(self, records: Sequence[log.Record]) -> set[tuple[str, str, str]]:
        """Bring the core to where the log ends; returns the (account, market, asset) that have had their deposit."""
        known: set[tuple[str, str, str]] = set()
        for record in records:
            match record:
                case log.Opened() | log.Paced():
                    continue
                case log.Countdown(account, symbol, deadline):
                    self._countdowns[account, symbol] = deadline
                case log.ListenKey(account, market, alive):
                    door = Door(account, market)
                    if alive:
                        self.listen_keys.open(door, self.wall_ns())
                    else:
                        self.listen_keys.close(door)
                case _:
                    self.exchange.fast_forward(record.at_ns)
                    if isinstance(record, log.Deposited):
                        known.add((record.account, record.market, record.asset))
                    self._apply(record)
        return known

    def _apply(self, command: log.Command) -> None:
        """Do again what was done before."""
        core = self.exchange
        match command:
            case log.Deposited(_, account, market, asset, amount):
                core.deposit(account, market, asset, amount)
            case log.Submitted(_, account, market, order):
                core.submit(account, market, order)
            case log.Cancelled(_, account, market, symbol, order_id, cancel_client_id):
                core.cancel(account, market, symbol, order_id=order_id, cancel_client_id=cancel_client_id)
            case log.CancelledAll(_, account, market, symbol):
                core.cancel_all(account, market, symbol)
            case log.Modified(_, account, symbol, side, qty, price, order_id):
                core.modify(account, symbol, side=side, qty=qty, price=price, order_id=order_id)
            case log.Levered(_, account, symbol, leverage):
                core.set_leverage(account, symbol, leverage)
            case log.Replaced():
                core.replace(
                    command.account,
                    command.symbol,
                    command.order,
                    order_id=command.order_id,
                    client_id=command.client_id,
                    cancel_client_id=command.cancel_client_id,
                    stop_on_failure=command.stop_on_failure,
                )

    def _open_accounts(self, known: set[tuple[str, str, str]]) -> None:
        for account in self.exchange_accounts():
            for market, assets in self.options.deposit.items():
                for asset, amount in assets.items():
                    if (account, market, asset) not in known:
                        self.deposit(account, market, asset, amount)

    def _record(self, record: log.Record) -> None:
        if self._log is None:
            return
        try:
            self._log.append(record)
        except OSError as error:
            # What was done is not on record: a server that went on would come back without it.
            self.failure = error
            raise

    # time

    def sync(self) -> int:
        """Bring the core to market time now, tell the listener what happened; the market time in ns."""
        if self.failure is not None:
            raise self.failure
        core = self.exchange
        now = self.clock.at(self.wall_ns())
        if now > core.now_ns:
            self.listener(core.advance(now))
        return core.now_ns

    def spec(self, market: str, symbol: str) -> SymbolSpec:
        """A symbol's spec; -1121 for one not traded."""
        found = self.exchange.specs.get((market, symbol))
        if found is None:
            raise ExchangeError(-1121, "Invalid symbol.")
        return found

    def symbols(self, market: str) -> list[str]:
        """Symbols traded in a market."""
        return [symbol for place, symbol in self.exchange.specs if place == market]

    # commands: first done, then made to last, then told; a command cut in between was never answered

    def deposit(self, account: str, market: str, asset: str, amount: int) -> None:
        """Give an account money, in 10^-8 of the asset."""
        at = self.sync()
        events = self.exchange.deposit(account, market, asset, amount)
        self._record(log.Deposited(at, account, market, asset, amount))
        self.listener(events)

    def submit(self, account: str, market: str, order: NewOrder) -> tuple[Order, Sequence[Event]]:
        """A new order and what it set off."""
        at = self.sync()
        done, events = self.exchange.submit(account, market, order)
        # The id that the exchange gave is part of what happened.
        self._record(log.Submitted(at, account, market, order))
        self.listener(events)
        return done, events

    def cancel(
        self,
        account: str,
        market: str,
        symbol: str,
        order_id: int | None,
        client_id: str | None,
        cancel_client_id: str = "",
    ) -> Order:
        """Take an open order back."""
        at = self.sync()
        order, events = self.exchange.cancel(
            account, market, symbol, order_id=order_id, client_id=client_id, cancel_client_id=cancel_client_id
        )
        self._record(log.Cancelled(at, account, market, symbol, order.id, cancel_client_id))
        self.listener(events)
        return order

    def cancel_all(self, account: str, market: str, symbol: str) -> list[Order]:
        """Take all of a symbol's open orders back; on futures those that wait for a price stay, as at Binance."""
        at = self.sync()
        if market == LINEAR:
            found = [order for order in self.exchange.open_orders(account, market, symbol) if not waits(order)]
            return [self.cancel(account, market, symbol, order.id, None) for order in found]
        orders, events = self.exchange.cancel_all(account, market, symbol)
        if orders:
            self._record(log.CancelledAll(at, account, market, symbol))
        self.listener(events)
        return orders

    def replace(
        self,
        account: str,
        symbol: str,
        order: NewOrder,
        order_id: int | None,
        client_id: str | None,
        cancel_client_id: str,
        stop_on_failure: bool,
    ) -> Replaced:
        """Spot cancel-replace."""
        at = self.sync()
        cancelled, created, events = self.exchange.replace(
            account,
            symbol,
            order,
            order_id=order_id,
            client_id=client_id,
            cancel_client_id=cancel_client_id,
            stop_on_failure=stop_on_failure,
        )
        if isinstance(cancelled, Order) or isinstance(created, Order):
            self._record(
                log.Replaced(at, account, symbol, order, order_id, client_id, cancel_client_id, stop_on_failure)
            )
        self.listener(events)
        return Replaced(cancelled, created, events)

    def modify(
        self, account: str, symbol: str, side: Side, qty: int, price: int, order_id: int | None, client_id: str | None
    ) -> Order:
        """A futures order with a new price or quantity."""
        at = self.sync()
        order, events = self.exchange.modify(
            account, symbol, side=side, qty=qty, price=price, order_id=order_id, client_id=client_id
        )
        self._record(log.Modified(at, account, symbol, side, qty, price, order.id))
        self.listener(events)
        return order

    def set_leverage(self, account: str, symbol: str, leverage: int) -> int:
        """Set a symbol's leverage; the most notional it allows, 10^-8."""
        at = self.sync()
        most = self.exchange.set_leverage(account, symbol, leverage)
        self._record(log.Levered(at, account, symbol, leverage))
        return most

    def open_listen_key(self, account: str, market: str) -> str:
        """The account's listen key in this market, good for an hour from now."""
        door = Door(account, market)
        if not self.listen_keys.alive(door):
            self._record(log.ListenKey(account, market, alive=True))
        return self.listen_keys.open(door, self.wall_ns())

    def close_listen_key(self, account: str, market: str) -> None:
        """Make the account's listen key invalid."""
        self._record(log.ListenKey(account, market, alive=False))
        self.listen_keys.close(Door(account, market))

    def set_countdown(self, account: str, symbol: str, delay_ms: int) -> None:
        """Cancel the account's orders on this perpetual after `delay_ms` of wall time, unless asked again; 0: never."""
        deadline = self.wall_ns() + delay_ms * NS_PER_MS if delay_ms else 0
        self._record(log.Countdown(account, symbol, deadline))
        self._countdowns[account, symbol] = deadline

    def run_countdowns(self) -> None:
        """Set off the switches whose time has come."""
        now = self.wall_ns()
        for (account, symbol), deadline in list(self._countdowns.items()):
            if not deadline or deadline > now:
                continue
            self.cancel_all(account, LINEAR, symbol)
            self.set_countdown(account, symbol, 0)
            del self._countdowns[account, symbol]

    def max_notional(self, symbol: str, leverage: int) -> int:
        """The most notional that a leverage allows, 10^-8 USDT; the same for every perpetual."""
        self.spec(LINEAR, symbol)
        return MAX_NOTIONAL // leverage

    def exchange_accounts(self) -> tuple[str, ...]:
        """Account names, each once, in the order of their keys."""
        return tuple(dict.fromkeys(key.account for key in self.options.keys))

    def close(self) -> None:
        """Let the log go; everything answered is in it."""
        if self._log is not None:
            self._log.close()


def _nobody(_: Sequence[Event]) -> None:
    """The listener before there is one."""

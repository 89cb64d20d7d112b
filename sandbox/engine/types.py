"""The exchange's vocabulary: orders, fills and the events that tell of them.

Prices and quantities are ints in the symbol's scales, amounts of money ints in 10^-8, times UTC ns.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sandbox.market.specs import LINEAR, MARKETS, QUOTE_SCALE, SPOT, SymbolSpec

__all__ = [
    "LINEAR", "MARKETS", "QUOTE_SCALE", "SPOT", "AccountEvent", "AccountView", "Balance", "BalanceUpdate",
    "BookTicker", "Depth", "DepthDiff", "Event", "ExecType", "Fill", "Income", "IncomeKind", "Mark", "MarketEvent",
    "NewOrder", "Order", "OrderType", "OrderUpdate", "Position", "PositionUpdate", "Side", "Status", "SymbolSpec",
    "TimeInForce", "Trade",
]


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """Binance's names; the stop kinds with a limit price are STOP, TAKE_PROFIT (linear) and *_LIMIT (spot)."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"                # spot
    STOP_LOSS = "STOP_LOSS"                    # spot
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"        # spot
    TAKE_PROFIT = "TAKE_PROFIT"                # spot: market; linear: limit
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"    # spot
    STOP = "STOP"                              # linear
    STOP_MARKET = "STOP_MARKET"                # linear
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"  # linear


class TimeInForce(StrEnum):
    """GTX is post-only (linear); spot writes it LIMIT_MAKER."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class Status(StrEnum):
    """Where an order stands."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"  # self-trade prevention


class ExecType(StrEnum):
    """What an `OrderUpdate` tells."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    AMENDMENT = "AMENDMENT"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"
    LIQUIDATION = "CALCULATED"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for; 0 where a field does not apply."""

    symbol: str
    side: Side
    type: OrderType
    qty: int = 0
    price: int = 0
    stop_price: int = 0
    quote_qty: int = 0               # spot market orders: 10^-8 of the quote asset, instead of qty
    tif: TimeInForce = TimeInForce.GTC
    client_id: str = ""              # empty: the exchange gives one
    reduce_only: bool = False        # linear
    close_position: bool = False     # linear stop orders: the whole position, whatever it is by then
    on_mark: bool = False            # linear stop orders: workingType MARK_PRICE


class Order(msgspec.Struct, kw_only=True, eq=False):
    """An order in the venue's hands; events carry copies, queries the living one: do not write to it."""

    id: int
    client_id: str
    account: str
    market: str
    symbol: str
    side: Side
    type: OrderType                  # as asked; a triggered stop keeps its type
    tif: TimeInForce
    status: Status
    qty: int
    price: int
    stop_price: int
    quote_qty: int
    reduce_only: bool
    close_position: bool
    on_mark: bool
    created_ns: int
    updated_ns: int
    filled: int = 0
    quote_filled: int = 0            # 10^-8 of the quote asset
    working: bool = False            # in the book (a stop waits outside until triggered)
    triggered: bool = False          # a stop whose price was reached
    locked: int = 0                  # spot: what the order holds of the paying asset, 10^-8
    cancel_client_id: str = ""       # the client id the cancel was given

    @property
    def is_open(self) -> bool:
        """Whether it can still trade or be cancelled."""
        return self.status in (Status.NEW, Status.PARTIALLY_FILLED)

    @property
    def left(self) -> int:
        """What is still to trade."""
        return self.qty - self.filled


class Fill(msgspec.Struct, frozen=True):
    """One side of a trade, as its owner sees it."""

    trade_id: int
    order_id: int
    client_id: str
    account: str
    market: str
    symbol: str
    side: Side
    price: int
    qty: int
    quote: int          # 10^-8 of the quote asset
    fee: int            # 10^-8 of fee_asset
    fee_asset: str
    maker: bool
    realized: int       # linear: profit taken, 10^-8 USDT, before fee
    ts_ns: int


class Balance(msgspec.Struct, frozen=True):
    """10^-8 of the asset; on linear `free` is the wallet and `locked` is 0."""

    asset: str
    free: int
    locked: int


class Position(msgspec.Struct, frozen=True):
    """A one-way linear position; money in 10^-8 USDT."""

    symbol: str
    qty: int             # signed
    cost: int            # signed like qty: what the open quantity was bought (sold) for
    mark: int            # price
    unrealized: int
    notional: int        # at mark, signed
    leverage: int
    initial_margin: int
    maintenance_margin: int
    liquidation_price: int  # 0: none
    updated_ns: int

    def entry(self, spec: SymbolSpec, digits: int = 8) -> int:
        """Mean entry price in 10^-digits; 0 when flat."""
        # cost is 10^-8 quote, qty 10^-qty_scale: cost/qty is 10^-(8 - qty_scale).
        return self.cost * 10 ** (digits + spec.qty_scale) // (self.qty * 10**QUOTE_SCALE) if self.qty else 0


class AccountView(msgspec.Struct, frozen=True):
    """An account in one market."""

    account: str
    market: str
    balances: tuple[Balance, ...]
    positions: tuple[Position, ...] = ()   # linear: every symbol, flat ones too
    wallet: int = 0                        # linear, 10^-8 USDT from here on
    unrealized: int = 0
    position_margin: int = 0
    order_margin: int = 0
    maintenance_margin: int = 0
    available: int = 0
    updated_ns: int = 0


class IncomeKind(StrEnum):
    """Why a linear wallet changed."""

    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


class Income(msgspec.Struct, frozen=True):
    """One change of a linear wallet, 10^-8 USDT."""

    id: int
    account: str
    symbol: str
    kind: IncomeKind
    amount: int
    trade_id: int
    ts_ns: int


# Market events

class Trade(msgspec.Struct, frozen=True, gc=False):
    """A print on the tape; each is its own aggregate trade too."""

    market: str
    symbol: str
    ts_ns: int
    id: int
    price: int
    qty: int
    buyer_is_maker: bool
    buyer_order: int = 0   # 0: not one of ours
    seller_order: int = 0


class BookTicker(msgspec.Struct, frozen=True, gc=False):
    """The best of both sides, sent when it changed; 0 where a side is empty."""

    market: str
    symbol: str
    ts_ns: int
    update_id: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int


class DepthDiff(msgspec.Struct, frozen=True):
    """Levels that changed since the diff before; qty 0 removes. At most one each 100 ms of market time."""

    market: str
    symbol: str
    ts_ns: int
    first_id: int                       # U
    last_id: int                        # u
    previous_id: int                    # pu
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Depth(msgspec.Struct, frozen=True):
    """A snapshot of the book, best first."""

    last_update_id: int
    ts_ns: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Mark(msgspec.Struct, frozen=True, gc=False):
    """Mark and index price of a perpetual."""

    symbol: str
    ts_ns: int
    mark: int
    index: int
    rate: int               # of the next funding, 10^-8
    next_funding_ns: int


# Account events

class OrderUpdate(msgspec.Struct, frozen=True):
    """Something happened to an order; `order` is a copy made at that moment."""

    ts_ns: int
    exec_type: ExecType
    order: Order
    last_price: int = 0
    last_qty: int = 0
    last_quote: int = 0
    fee: int = 0
    fee_asset: str = ""
    trade_id: int = -1
    maker: bool = False
    realized: int = 0
    reason: str = "NONE"
    original_client_id: str = ""  # the cancelled order's id when the cancel brought its own

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.order.account

    @property
    def market(self) -> str:
        """Where it happened."""
        return self.order.market


class BalanceUpdate(msgspec.Struct, frozen=True):
    """Balances that changed (spot: free and locked; linear: wallet) and why: ORDER, FUNDING_FEE, DEPOSIT."""

    account: str
    market: str
    ts_ns: int
    reason: str
    balances: tuple[Balance, ...]
    deltas: tuple[int, ...] = ()  # change of each balance's total, for deposits and funding


class PositionUpdate(msgspec.Struct, frozen=True):
    """A linear position changed; follows the BalanceUpdate of the same moment."""

    account: str
    ts_ns: int
    reason: str
    position: Position


MarketEvent = Trade | BookTicker | DepthDiff | Mark
AccountEvent = OrderUpdate | BalanceUpdate | PositionUpdate
Event = MarketEvent | AccountEvent

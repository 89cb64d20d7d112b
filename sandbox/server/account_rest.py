"""Futures accounts: balances, positions, leverage and income."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.engine.types import LINEAR, AccountView, IncomeKind, Position, SymbolSpec
from sandbox.errors import ExchangeError
from sandbox.server.clock import NS_PER_MS
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis, money_text, price_text, qty_text
from sandbox.server.params import Call
from sandbox.server.venue import Venue

_ENTRY_DIGITS = 8


def _linear(venue: Venue, call: Call) -> AccountView:
    venue.sync()
    return venue.exchange.account(call.account, LINEAR)


def futures_balance(venue: Venue, call: Call) -> object:
    """GET /fapi/v2|v3/balance."""
    view = _linear(venue, call)
    return [
        {
            "accountAlias": "SgsR",
            "asset": "USDT",
            "balance": money_text(view.wallet),
            "crossWalletBalance": money_text(view.wallet),
            "crossUnPnl": money_text(view.unrealized),
            "availableBalance": money_text(max(0, view.available)),
            "maxWithdrawAmount": money_text(max(0, min(view.available, view.wallet))),
            "marginAvailable": True,
            "updateTime": millis(view.updated_ns),
        }
    ]


def _totals(view: AccountView) -> Json:
    initial = view.position_margin + view.order_margin
    available = money_text(max(0, view.available))
    return {
        "totalInitialMargin": money_text(initial),
        "totalMaintMargin": money_text(view.maintenance_margin),
        "totalWalletBalance": money_text(view.wallet),
        "totalUnrealizedProfit": money_text(view.unrealized),
        "totalMarginBalance": money_text(view.wallet + view.unrealized),
        "totalPositionInitialMargin": money_text(view.position_margin),
        "totalOpenOrderInitialMargin": money_text(view.order_margin),
        "totalCrossWalletBalance": money_text(view.wallet),
        "totalCrossUnPnl": money_text(view.unrealized),
        "availableBalance": available,
        "maxWithdrawAmount": money_text(max(0, min(view.available, view.wallet))),
        "assets": [
            {
                "asset": "USDT",
                "walletBalance": money_text(view.wallet),
                "unrealizedProfit": money_text(view.unrealized),
                "marginBalance": money_text(view.wallet + view.unrealized),
                "maintMargin": money_text(view.maintenance_margin),
                "initialMargin": money_text(initial),
                "positionInitialMargin": money_text(view.position_margin),
                "openOrderInitialMargin": money_text(view.order_margin),
                "crossWalletBalance": money_text(view.wallet),
                "crossUnPnl": money_text(view.unrealized),
                "availableBalance": available,
                "maxWithdrawAmount": money_text(max(0, min(view.available, view.wallet))),
                "marginAvailable": True,
                "updateTime": millis(view.updated_ns),
            }
        ],
    }


def _position_core(position: Position, spec: SymbolSpec) -> Json:
    return {
        "symbol": position.symbol,
        "positionSide": "BOTH",
        "positionAmt": qty_text(spec, position.qty),
        "unrealizedProfit": money_text(position.unrealized),
        "isolatedMargin": "0",
        "notional": money_text(position.notional),
        "isolatedWallet": "0",
        "initialMargin": money_text(position.initial_margin),
        "maintMargin": money_text(position.maintenance_margin),
        "updateTime": millis(position.updated_ns),
    }


def _entry(position: Position, spec: SymbolSpec) -> str:
    return text(position.entry(spec, _ENTRY_DIGITS), _ENTRY_DIGITS)


def futures_account(version: int) -> Callable[[Venue, Call], Json]:
    """GET /fapi/v2|v3/account: version 3 leaves flat positions out."""

    def handle(venue: Venue, call: Call) -> Json:
        view = _linear(venue, call)
        positions = []
        for position in view.positions:
            spec = venue.spec(LINEAR, position.symbol)
            if version >= 3:
                if position.qty:
                    positions.append(_position_core(position, spec))
                continue
            positions.append(
                _position_core(position, spec)
                | {
                    "positionInitialMargin": money_text(position.initial_margin),
                    "openOrderInitialMargin": "0",
                    "leverage": str(position.leverage),
                    "isolated": False,
                    "entryPrice": _entry(position, spec),
                    "breakEvenPrice": _entry(position, spec),
                    "maxNotional": money_text(venue.max_notional(position.symbol, position.leverage)),
                    "bidNotional": "0",
                    "askNotional": "0",
                }
            )
        flags: Json = {} if version >= 3 else {
            "feeTier": 0, "feeBurn": False, "canTrade": True, "canDeposit": False, "canWithdraw": False,
            "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
        }  # fmt: skip
        return flags | _totals(view) | {"positions": positions}

    return handle


def position_risk(version: int) -> Callable[[Venue, Call], object]:
    """GET positionRisk: version 3 leaves symbols without a position or an open order out."""

    def handle(venue: Venue, call: Call) -> object:
        asked = call.optional("symbol")
        if asked is not None:
            venue.spec(LINEAR, asked)
        view = _linear(venue, call)
        busy = {order.symbol for order in venue.exchange.open_orders(call.account, LINEAR)} if version >= 3 else set()
        answers = []
        for position in view.positions:
            if asked not in {None, position.symbol}:
                continue
            if version >= 3 and not position.qty and position.symbol not in busy:
                continue
            answers.append(_risk(venue, position, version))
        return answers

    return handle


def _risk(venue: Venue, position: Position, version: int) -> Json:
    spec = venue.spec(LINEAR, position.symbol)
    answer: Json = {
        "symbol": position.symbol,
        "positionSide": "BOTH",
        "positionAmt": qty_text(spec, position.qty),
        "entryPrice": _entry(position, spec),
        "breakEvenPrice": _entry(position, spec),
        "markPrice": price_text(spec, position.mark),
        "unRealizedProfit": money_text(position.unrealized),
        "liquidationPrice": price_text(spec, position.liquidation_price),
        "isolatedMargin": "0.00000000",
        "notional": money_text(position.notional),
        "isolatedWallet": "0",
        "updateTime": millis(position.updated_ns),
    }
    if version < 3:
        return answer | {
            "leverage": str(position.leverage),
            "maxNotionalValue": money_text(venue.max_notional(position.symbol, position.leverage)),
            "marginType": "cross",
            "isAutoAddMargin": "false",
        }
    return answer | {
        "marginAsset": spec.quote,
        "initialMargin": money_text(position.initial_margin),
        "maintMargin": money_text(position.maintenance_margin),
        "positionInitialMargin": money_text(position.initial_margin),
        "openOrderInitialMargin": "0",
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
    }


def set_leverage(venue: Venue, call: Call) -> Json:
    """POST leverage."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    leverage = call.integer("leverage") or 0
    most = venue.set_leverage(call.account, spec.symbol, leverage)
    return {"leverage": leverage, "maxNotionalValue": text(most, 8, 0), "symbol": spec.symbol}


def set_margin_type(venue: Venue, call: Call) -> Json:
    """POST marginType: cross margin is the only one here."""
    venue.spec(LINEAR, call.text("symbol"))
    if call.text("marginType") == "CROSSED":
        raise ExchangeError(-4046, "No need to change margin type.")
    raise ExchangeError(-4050, "Isolated margin is not offered here; positions are held in cross margin.")


def position_side(_: Venue, __: Call) -> Json:
    """GET positionSide/dual: one-way mode."""
    return {"dualSidePosition": False}


def set_position_side(_: Venue, call: Call) -> Json:
    """POST positionSide/dual."""
    if call.flag("dualSidePosition"):
        raise ExchangeError(-4068, "Hedge mode is not offered here; positions are held one way.")
    raise ExchangeError(-4059, "No need to change position side.")


def multi_assets(_: Venue, __: Call) -> Json:
    """GET multiAssetsMargin."""
    return {"multiAssetsMargin": False}


def leverage_bracket(venue: Venue, call: Call) -> object:
    """GET leverageBracket: one bracket a symbol, as the core has it."""
    asked = call.optional("symbol")
    specs = [venue.spec(LINEAR, symbol) for symbol in ([asked] if asked else venue.symbols(LINEAR))]
    return [
        {
            "symbol": spec.symbol,
            "notionalCoef": 1.0,
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": spec.max_leverage,
                    "notionalCap": venue.max_notional(spec.symbol, spec.max_leverage) // 10**8,
                    "notionalFloor": 0,
                    "maintMarginRatio": spec.maintenance_ppm / 1_000_000,
                    "cum": 0.0,
                }
            ],
        }
        for spec in specs
    ]


def futures_commission(venue: Venue, call: Call) -> Json:
    """GET commissionRate."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    return {
        "symbol": spec.symbol,
        "makerCommissionRate": text(spec.maker_ppm, 6),
        "takerCommissionRate": text(spec.taker_ppm, 6),
    }


def account_config(_: Venue, __: Call) -> Json:
    """GET accountConfig."""
    return {
        "feeTier": 0, "canTrade": True, "canDeposit": False, "canWithdraw": False, "dualSidePosition": False,
        "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
    }  # fmt: skip


def symbol_config(venue: Venue, call: Call) -> object:
    """GET symbolConfig: leverage and margin type by symbol."""
    asked = call.optional("symbol")
    return [
        {
            "symbol": position.symbol,
            "marginType": "CROSSED",
            "isAutoAddMargin": False,
            "leverage": position.leverage,
            "maxNotionalValue": text(venue.max_notional(position.symbol, position.leverage), 8, 0),
        }
        for position in _linear(venue, call).positions
        if asked in {None, position.symbol}
    ]


def income(venue: Venue, call: Call) -> object:
    """GET income."""
    raw, start, end = call.optional("incomeType"), call.integer("startTime"), call.integer("endTime")
    kind = None
    if raw is not None:
        if raw not in set(IncomeKind):
            return []
        kind = IncomeKind(raw)
    venue.sync()
    found = venue.exchange.income(
        call.account,
        symbol=call.optional("symbol"),
        kind=kind,
        start_ns=(start or 0) * NS_PER_MS,
        end_ns=None if end is None else (end + 1) * NS_PER_MS - 1,
        limit=call.limit(100, 1000),
    )
    return [
        {
            "symbol": item.symbol,
            "incomeType": item.kind,
            "income": money_text(item.amount),
            "asset": "USDT",
            "info": item.kind,
            "time": millis(item.ts_ns),
            "tranId": item.id,
            "tradeId": str(item.trade_id) if item.trade_id > 0 else "",
        }
        for item in found
    ]

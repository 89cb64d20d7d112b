"""The table of REST endpoints: who answers, what it weighs, what it asks of the caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from sandbox.engine.types import LINEAR, SPOT
from sandbox.server import (
    account_rest,
    algo_rest,
    day_ticker,
    exchange_info,
    futures_rest,
    listen_rest,
    market_rest,
    spot_account,
    trade_rest,
    wallet_rest,
)
from sandbox.server.params import Call
from sandbox.server.venue import Venue

Handler = Callable[[Venue, Call], object | Awaitable[object]]
Weight = Callable[[Call], int]


class Security(Enum):
    """What a request must bring: nothing, an API key, or a key and a signature."""

    NONE = 0
    KEY = 1
    SIGNED = 2


@dataclass(frozen=True)
class Endpoint:
    """One way to ask; `orders` is how many new orders a request counts as."""

    handler: Handler
    market: str
    weight: Weight
    security: Security = Security.NONE
    orders: int = 0


def _fixed(weight: int) -> Weight:
    return lambda _: weight


def _steps(name: str, default: int, table: tuple[tuple[int, int], ...], most: int) -> Weight:
    """A weight that grows with a size: the first step not below it."""

    def weigh(call: Call) -> int:
        raw = call.params.get(name, "")
        size = int(raw) if raw.isdigit() else default
        return next((weight for limit, weight in table if size <= limit), most)

    return weigh


def _one_or_all(one: int, every: int) -> Weight:
    return lambda call: one if call.params.get("symbol") else every


_SPOT_DEPTH = _steps("limit", 100, ((100, 5), (500, 25), (1000, 50)), 250)
_FUTURES_DEPTH = _steps("limit", 500, ((50, 2), (100, 5), (500, 10)), 20)
_FUTURES_KLINES = _steps("limit", 500, ((99, 1), (499, 2), (1000, 5)), 10)


def _public(market: str, handler: Handler, weight: int | Weight = 1) -> Endpoint:
    return Endpoint(handler, market, weight if callable(weight) else _fixed(weight))


def _signed(market: str, handler: Handler, weight: int | Weight = 1, orders: int = 0) -> Endpoint:
    return Endpoint(handler, market, weight if callable(weight) else _fixed(weight), Security.SIGNED, orders)


def _keyed(market: str, handler: Handler, weight: int = 1) -> Endpoint:
    return Endpoint(handler, market, _fixed(weight), Security.KEY)


def _spot() -> dict[str, Endpoint]:
    market, trade = market_rest, trade_rest
    return {
        "GET ping": _public(SPOT, market.ping),
        "GET time": _public(SPOT, market.server_time),
        "GET exchangeInfo": _public(SPOT, exchange_info.spot_info, 20),
        "GET klines": _public(SPOT, market.klines(SPOT), 2),
        "GET uiKlines": _public(SPOT, market.klines(SPOT), 2),
        "GET trades": _public(SPOT, market.trades(SPOT), 25),
        "GET historicalTrades": _public(SPOT, market.historical_trades(SPOT), 25),
        "GET aggTrades": _public(SPOT, market.aggregate_trades(SPOT), 4),
        "GET depth": _public(SPOT, market.depth(SPOT), _SPOT_DEPTH),
        "GET avgPrice": _public(SPOT, market.average_price(SPOT), 2),
        "GET ticker/24hr": _public(SPOT, market.per_symbol(SPOT, day_ticker.ticker_json), _one_or_all(2, 80)),
        "GET ticker/price": _public(SPOT, market.per_symbol(SPOT, market.price_ticker), _one_or_all(2, 4)),
        "GET ticker/bookTicker": _public(SPOT, market.per_symbol(SPOT, market.book_ticker), _one_or_all(2, 4)),
        "GET account": _signed(SPOT, spot_account.spot_account, 20),
        "GET account/commission": _signed(SPOT, spot_account.spot_commission, 20),
        "POST order": _signed(SPOT, trade.place(SPOT), orders=1),
        "POST order/test": _signed(SPOT, trade.test_place(SPOT)),
        "GET order": _signed(SPOT, trade.query(SPOT), 4),
        "DELETE order": _signed(SPOT, trade.cancel(SPOT)),
        "POST order/cancelReplace": _signed(SPOT, trade.cancel_replace, orders=1),
        "GET openOrders": _signed(SPOT, trade.open_orders(SPOT), _one_or_all(6, 80)),
        "DELETE openOrders": _signed(SPOT, trade.spot_cancel_all),
        "GET allOrders": _signed(SPOT, trade.all_orders(SPOT), 20),
        "GET myTrades": _signed(SPOT, trade.fills(SPOT), 20),
        "POST userDataStream": _keyed(SPOT, listen_rest.open_key(SPOT), 2),
        "PUT userDataStream": _keyed(SPOT, listen_rest.keep_key(SPOT), 2),
        "DELETE userDataStream": _keyed(SPOT, listen_rest.close_key(SPOT), 2),
    }


def _futures() -> dict[str, Endpoint]:
    market, trade, account, futures = market_rest, trade_rest, account_rest, futures_rest
    return {
        "GET v1/ping": _public(LINEAR, market.ping),
        "GET v1/time": _public(LINEAR, market.server_time),
        "GET v1/exchangeInfo": _public(LINEAR, exchange_info.futures_info),
        "GET v1/klines": _public(LINEAR, market.klines(LINEAR), _FUTURES_KLINES),
        "GET v1/trades": _public(LINEAR, market.trades(LINEAR), 5),
        "GET v1/historicalTrades": _public(LINEAR, market.historical_trades(LINEAR), 20),
        "GET v1/aggTrades": _public(LINEAR, market.aggregate_trades(LINEAR), 20),
        "GET v1/depth": _public(LINEAR, market.depth(LINEAR), _FUTURES_DEPTH),
        "GET v1/ticker/24hr": _public(LINEAR, market.per_symbol(LINEAR, day_ticker.ticker_json), _one_or_all(1, 40)),
        "GET v1/ticker/price": _public(LINEAR, market.per_symbol(LINEAR, market.price_ticker), _one_or_all(1, 2)),
        "GET v2/ticker/price": _public(LINEAR, market.per_symbol(LINEAR, market.price_ticker), _one_or_all(1, 2)),
        "GET v1/ticker/bookTicker": _public(LINEAR, market.per_symbol(LINEAR, market.book_ticker), _one_or_all(2, 5)),
        "GET v1/premiumIndex": _public(LINEAR, market.per_symbol(LINEAR, futures.premium_index), _one_or_all(1, 10)),
        "GET v1/fundingRate": _public(LINEAR, futures.funding_rate),
        "GET v1/fundingInfo": _public(LINEAR, futures.funding_info),
        "GET v1/openInterest": _public(LINEAR, futures.open_interest),
        "GET v2/account": _signed(LINEAR, account.futures_account(2), 5),
        "GET v3/account": _signed(LINEAR, account.futures_account(3), 5),
        "GET v2/balance": _signed(LINEAR, account.futures_balance, 5),
        "GET v3/balance": _signed(LINEAR, account.futures_balance, 5),
        "GET v2/positionRisk": _signed(LINEAR, account.position_risk(2), 5),
        "GET v3/positionRisk": _signed(LINEAR, account.position_risk(3), 5),
        "GET v1/positionSide/dual": _signed(LINEAR, account.position_side, 30),
        "POST v1/positionSide/dual": _signed(LINEAR, account.set_position_side),
        "GET v1/multiAssetsMargin": _signed(LINEAR, account.multi_assets, 30),
        "POST v1/leverage": _signed(LINEAR, account.set_leverage),
        "POST v1/marginType": _signed(LINEAR, account.set_margin_type),
        "GET v1/leverageBracket": _signed(LINEAR, account.leverage_bracket),
        "GET v1/commissionRate": _signed(LINEAR, account.futures_commission, 20),
        "GET v1/accountConfig": _signed(LINEAR, account.account_config, 5),
        "GET v1/symbolConfig": _signed(LINEAR, account.symbol_config, 5),
        "GET v1/income": _signed(LINEAR, account.income, 30),
        "GET v1/adlQuantile": _signed(LINEAR, wallet_rest.nothing, 5),
        "GET v1/forceOrders": _signed(LINEAR, wallet_rest.nothing, 20),
        "POST v1/order": _signed(LINEAR, trade.place(LINEAR), 0, orders=1),
        "POST v1/order/test": _signed(LINEAR, trade.test_place(LINEAR)),
        "PUT v1/order": _signed(LINEAR, trade.modify, orders=1),
        "GET v1/order": _signed(LINEAR, trade.query(LINEAR)),
        "DELETE v1/order": _signed(LINEAR, trade.cancel(LINEAR)),
        "POST v1/batchOrders": _signed(LINEAR, trade.batch(trade.place(LINEAR)), 5, orders=1),
        "PUT v1/batchOrders": _signed(LINEAR, trade.batch(trade.modify), 5, orders=1),
        "DELETE v1/batchOrders": _signed(LINEAR, trade.batch_cancel),
        "GET v1/openOrder": _signed(LINEAR, trade.query(LINEAR)),
        "GET v1/openOrders": _signed(LINEAR, trade.open_orders(LINEAR), _one_or_all(1, 40)),
        "GET v1/allOrders": _signed(LINEAR, trade.all_orders(LINEAR), 5),
        "DELETE v1/allOpenOrders": _signed(LINEAR, trade.futures_cancel_all),
        "POST v1/countdownCancelAll": _signed(LINEAR, trade.countdown, 10),
        "GET v1/userTrades": _signed(LINEAR, trade.fills(LINEAR), 5),
        "POST v1/algoOrder": _signed(LINEAR, algo_rest.place, 0, orders=1),
        "GET v1/algoOrder": _signed(LINEAR, algo_rest.query),
        "DELETE v1/algoOrder": _signed(LINEAR, algo_rest.cancel),
        "GET v1/openAlgoOrders": _signed(LINEAR, algo_rest.open_orders, _one_or_all(1, 40)),
        "GET v1/allAlgoOrders": _signed(LINEAR, algo_rest.all_orders, 5),
        "DELETE v1/algoOpenOrders": _signed(LINEAR, algo_rest.cancel_all),
        "POST v1/listenKey": _keyed(LINEAR, listen_rest.open_key(LINEAR)),
        "PUT v1/listenKey": _keyed(LINEAR, listen_rest.keep_key(LINEAR)),
        "DELETE v1/listenKey": _keyed(LINEAR, listen_rest.close_key(LINEAR)),
    }


def _other_houses() -> dict[str, Endpoint]:
    wallet = wallet_rest
    return {
        "GET /sapi/v1/system/status": _public(SPOT, wallet.system_status),
        "GET /sapi/v1/capital/config/getall": _signed(SPOT, wallet.coins, 10),
        "GET /sapi/v1/margin/allPairs": _keyed(SPOT, wallet.nothing),
        "GET /sapi/v1/margin/allAssets": _keyed(SPOT, wallet.nothing),
        "GET /sapi/v1/margin/isolated/allPairs": _keyed(SPOT, wallet.nothing, 10),
        "GET /sapi/v1/asset/tradeFee": _signed(SPOT, wallet.trade_fee),
        "GET /sapi/v1/account/apiRestrictions": _signed(SPOT, wallet.api_restrictions),
        "GET /sapi/v1/capital/deposit/hisrec": _signed(SPOT, wallet.nothing),
        "GET /sapi/v1/capital/withdraw/history": _signed(SPOT, wallet.nothing),
        "GET /sapi/v1/asset/transfer": _signed(SPOT, wallet.no_rows),
        "GET /dapi/v1/exchangeInfo": _public(LINEAR, wallet.coin_margined_info),
        "GET /dapi/v1/ping": _public(LINEAR, market_rest.ping),
        "GET /dapi/v1/time": _public(LINEAR, market_rest.server_time),
        "GET /futures/data/openInterestHist": _public(LINEAR, futures_rest.open_interest_history, 0),
        "GET /futures/data/globalLongShortAccountRatio": _public(LINEAR, futures_rest.long_short_ratio, 0),
    }


def endpoints() -> dict[tuple[str, str], Endpoint]:
    """All endpoints by (method, path)."""
    table: dict[tuple[str, str], Endpoint] = {}
    for prefix, group in (("/api/v3/", _spot()), ("/fapi/", _futures()), ("", _other_houses())):
        for name, endpoint in group.items():
            method, path = name.split(" ")
            table[method, prefix + path] = endpoint
    return table

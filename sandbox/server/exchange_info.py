"""exchangeInfo: the rules of trading, from the specs the core itself enforces."""

from __future__ import annotations

from sandbox.engine.types import LINEAR, SPOT, SymbolSpec
from sandbox.market.calendar import GENESIS_NS
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis, price_text, qty_text
from sandbox.server.params import Call
from sandbox.server.venue import Venue
from sandbox.server.weights import OrderWindow

_PERPETUAL_DELIVERY_MS = 4_133_404_800_000
_UNITS = {"S": "SECOND", "M": "MINUTE", "D": "DAY"}
_SPOT_TYPES = [
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
]  # fmt: skip
_FUTURES_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]


def rate_limits(weight: int, orders: tuple[OrderWindow, ...]) -> list[Json]:
    """The limits as exchangeInfo and the websocket API list them."""
    limits: list[Json] = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight}]
    for window in orders:
        number, unit = int(window.header[:-1]), _UNITS[window.header[-1]]
        limits.append({"rateLimitType": "ORDERS", "interval": unit, "intervalNum": number, "limit": window.limit})
    return limits


def _multiplier(ppm: int) -> str:
    return text(ppm, 6, 4)


def _lot(spec: SymbolSpec, kind: str, most: int) -> Json:
    return {
        "filterType": kind,
        "minQty": qty_text(spec, spec.min_qty),
        "maxQty": qty_text(spec, most),
        "stepSize": qty_text(spec, spec.lot),
    }


def _filters(spec: SymbolSpec) -> list[Json]:
    filters: list[Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": price_text(spec, spec.min_price),
            "maxPrice": price_text(spec, spec.max_price),
            "tickSize": price_text(spec, spec.tick),
        },
        _lot(spec, "LOT_SIZE", spec.max_qty),
        _lot(spec, "MARKET_LOT_SIZE", spec.market_max_qty),
    ]
    up, down = _multiplier(spec.band_up_ppm), _multiplier(spec.band_down_ppm)
    if spec.market == SPOT:
        return [
            *filters,
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": 0,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": text(spec.min_notional, 8),
                "applyMinToMarket": True,
                "maxNotional": text(9_000_000 * 10**8, 8),
                "applyMaxToMarket": False,
                "avgPriceMins": 0,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": spec.max_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": spec.max_stop_orders},
        ]
    return [
        *filters,
        {"filterType": "MAX_NUM_ORDERS", "limit": spec.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": spec.max_stop_orders},
        {"filterType": "MIN_NOTIONAL", "notional": text(spec.min_notional, 8, 0)},
        {"filterType": "PERCENT_PRICE", "multiplierUp": up, "multiplierDown": down, "multiplierDecimal": "4"},
    ]


def _spot_symbol(spec: SymbolSpec) -> Json:
    return {
        "symbol": spec.symbol,
        "status": "TRADING",
        "baseAsset": spec.base,
        "baseAssetPrecision": 8,
        "quoteAsset": spec.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _SPOT_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(spec),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_TAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER"],
    }


def _futures_symbol(spec: SymbolSpec) -> Json:
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_DELIVERY_MS,
        "onboardDate": millis(GENESIS_NS),
        "status": "TRADING",
        "maintMarginPercent": text(spec.maintenance_ppm, 4),
        "requiredMarginPercent": text(10**6 // spec.max_leverage, 4),
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_scale,
        "quantityPrecision": spec.qty_scale,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.000000",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(spec),
        "orderTypes": _FUTURES_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def _asked(venue: Venue, call: Call, market: str) -> list[SymbolSpec]:
    """The symbols that `symbol` or `symbols` names, else all."""
    names = call.optional("symbols")
    one = call.optional("symbol")
    if names:
        return [venue.spec(market, name.strip(' "[]')) for name in names.split(",")]
    return [venue.spec(market, symbol) for symbol in ([one] if one else venue.symbols(market))]


def spot_info(venue: Venue, call: Call) -> Json:
    """GET /api/v3/exchangeInfo."""
    limits = venue.meters[SPOT].limits
    return {
        "timezone": "UTC",
        "serverTime": millis(venue.wall_ns()),
        "rateLimits": rate_limits(limits.weight, limits.orders),
        "exchangeFilters": [],
        "symbols": [_spot_symbol(spec) for spec in _asked(venue, call, SPOT)],
    }


def futures_info(venue: Venue, call: Call) -> Json:
    """GET /fapi/v1/exchangeInfo."""
    limits = venue.meters[LINEAR].limits
    specs = _asked(venue, call, LINEAR)
    return {
        "timezone": "UTC",
        "serverTime": millis(venue.wall_ns()),
        "futuresType": "U_MARGINED",
        "rateLimits": rate_limits(limits.weight, limits.orders),
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [_futures_symbol(spec) for spec in specs],
    }

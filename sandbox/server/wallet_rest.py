"""What clients with keys ask of Binance's other houses (wallet, margin, coin-margined), served honestly empty."""

from __future__ import annotations

from sandbox.engine.types import SPOT
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis
from sandbox.server.params import Call
from sandbox.server.venue import Venue


def nothing(_: Venue, __: Call) -> object:
    """An empty list: there is none of that here."""
    return []


def no_rows(_: Venue, __: Call) -> Json:
    """An empty page."""
    return {"total": 0, "rows": []}


def system_status(_: Venue, __: Call) -> Json:
    """GET /sapi/v1/system/status."""
    return {"status": 0, "msg": "normal"}


def coins(venue: Venue, call: Call) -> object:
    """GET capital/config/getall: the coins traded here, without networks, since nothing goes in or out."""
    venue.sync()
    balances = {item.asset: item for item in venue.exchange.account(call.account, SPOT).balances}
    names = dict.fromkeys(
        asset
        for symbol in venue.symbols(SPOT)
        for asset in (venue.spec(SPOT, symbol).base, venue.spec(SPOT, symbol).quote)
    )
    return [
        {
            "coin": name,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "name": name,
            "free": text(balances[name].free if name in balances else 0, 8),
            "locked": text(balances[name].locked if name in balances else 0, 8),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for name in names
    ]


def trade_fee(venue: Venue, call: Call) -> object:
    """GET asset/tradeFee."""
    asked = call.optional("symbol")
    specs = [venue.spec(SPOT, symbol) for symbol in ([asked] if asked else venue.symbols(SPOT))]
    return [
        {"symbol": spec.symbol, "makerCommission": text(spec.maker_ppm, 6), "takerCommission": text(spec.taker_ppm, 6)}
        for spec in specs
    ]


def api_restrictions(_: Venue, __: Call) -> Json:
    """GET account/apiRestrictions: trading only."""
    return {
        "ipRestrict": False, "createTime": 0, "enableReading": True, "enableSpotAndMarginTrading": True,
        "enableFutures": True, "enableWithdrawals": False, "enableInternalTransfer": False,
        "permitsUniversalTransfer": False, "enableMargin": False, "enableVanillaOptions": False,
        "enablePortfolioMarginTrading": False, "enableFixApiTrade": False, "enableFixReadOnly": False,
    }  # fmt: skip


def coin_margined_info(venue: Venue, _: Call) -> Json:
    """GET /dapi/v1/exchangeInfo: no such contracts."""
    return {
        "timezone": "UTC", "serverTime": millis(venue.wall_ns()),
        "rateLimits": [], "exchangeFilters": [], "symbols": [],
    }  # fmt: skip

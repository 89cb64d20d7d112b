"""Spot accounts: balances and fees."""

from __future__ import annotations

from sandbox.engine.types import SPOT, AccountView
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis, money_text
from sandbox.server.params import Call
from sandbox.server.venue import Venue


def _rate(ppm: int) -> str:
    return text(ppm, 6, 8)


def spot_account(venue: Venue, call: Call) -> Json:
    """GET /api/v3/account."""
    venue.sync()
    view = venue.exchange.account(call.account, SPOT)
    spec = venue.spec(SPOT, venue.symbols(SPOT)[0])
    omit_zero = call.flag("omitZeroBalances")
    return {
        "makerCommission": spec.maker_ppm // 100,
        "takerCommission": spec.taker_ppm // 100,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": _rate(spec.maker_ppm), "taker": _rate(spec.taker_ppm), "buyer": _rate(0), "seller": _rate(0),
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": millis(view.updated_ns),
        "accountType": "SPOT",
        "balances": _balances(venue, view, all_assets=not omit_zero),
        "permissions": ["SPOT"],
        "uid": list(venue.exchange_accounts()).index(call.account) + 1,
    }  # fmt: skip


def _balances(venue: Venue, view: AccountView, *, all_assets: bool) -> list[Json]:
    """Balances, of all assets traded here even those at 0 unless told otherwise."""
    amounts = {item.asset: (item.free, item.locked) for item in view.balances}
    if all_assets:
        for symbol in venue.symbols(SPOT):
            spec = venue.spec(SPOT, symbol)
            amounts.setdefault(spec.base, (0, 0))
            amounts.setdefault(spec.quote, (0, 0))
    return [
        {"asset": asset, "free": money_text(free), "locked": money_text(locked)}
        for asset, (free, locked) in sorted(amounts.items())
    ]


def spot_commission(venue: Venue, call: Call) -> Json:
    """GET account/commission."""
    spec = venue.spec(SPOT, call.text("symbol"))
    rates = {"maker": _rate(spec.maker_ppm), "taker": _rate(spec.taker_ppm), "buyer": _rate(0), "seller": _rate(0)}
    none = dict.fromkeys(rates, _rate(0))
    return {"symbol": spec.symbol, "standardCommission": rates, "taxCommission": none, "discount": {
        "enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.75000000",
    }}  # fmt: skip

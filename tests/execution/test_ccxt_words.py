from __future__ import annotations

import pytest

from execution.gateways import ccxt_words as words
from execution.gateways.port import Verdict
from execution.reconcile import VenueStatus
from infra.errors import TickhouseError
from ledger.intent import OrderType, TimeInForce
from ledger.order import Liquidity
from market.events import Side
from tests.execution.kit import BTC, intent

TRADE = {
    "id": "7", "order": "9", "side": "sell", "price": "54906.1", "amount": "0.004", "timestamp": 5,
    "takerOrMaker": "maker", "fee": {"currency": "USDT", "cost": "-0.0109812"}, "info": {"c": "t1"},
}


def test_an_order_in_ccxt_s_words() -> None:
    assert words.order_arguments(intent(1, qty=10, price=549_000), BTC) == (
        "BTC/USDT:USDT", "limit", "buy", "0.010", "54900.0", {"clientOrderId": intent(1).order_id, "timeInForce": "GTC"}
    )
    *_, params = words.order_arguments(intent(1, post_only=True, reduce_only=True), BTC)
    assert params == {"clientOrderId": intent(1).order_id, "postOnly": True, "reduceOnly": True}
    sent = intent(1, Side.SELL, type_=OrderType.MARKET, tif=TimeInForce.IOC)
    assert words.order_arguments(sent, BTC)[1:5] == ("market", "sell", "0.010", None)


def test_a_trade_is_taken_exactly() -> None:
    fill = words.fill(TRADE, BTC)
    assert (fill.side, fill.price, fill.qty, fill.fee, fill.fee_asset) == (Side.SELL, 549_061, 4, -1_098_120, "USDT")
    assert (fill.liquidity, fill.ts_event, fill.venue_order_id) == (Liquidity.MAKER, 5_000_000, "9")
    assert (fill.trade_id, fill.client_order_id) == ("7", "t1")
    with pytest.raises(TickhouseError):
        words.fill(TRADE | {"price": "54906.12"}, BTC)


@pytest.mark.parametrize(
    ("status", "ours"),
    [("open", VenueStatus.OPEN), ("closed", VenueStatus.FILLED), ("canceled", VenueStatus.CANCELLED),
     ("expired", VenueStatus.EXPIRED), ("rejected", VenueStatus.REJECTED), ("what?", VenueStatus.OPEN)],
)
def test_an_order_s_status(status: str, ours: VenueStatus) -> None:
    order = {"id": "9", "status": status, "filled": "0.01", "lastUpdateTimestamp": 6}
    seen = words.seen(order, BTC, [])
    assert (seen.status, seen.filled, seen.ts_event, seen.venue_order_id) == (ours, 10, 6_000_000, "9")


def test_the_wallet_is_without_open_profit() -> None:
    binance = {"info": {"assets": [{"asset": "USDT", "walletBalance": "10.5"}]}, "total": {"USDT": "12"}}
    assert words.wallet(binance, {"USDT": 1}) == {"USDT": 1_050_000_000}
    assert words.wallet({"info": [], "total": {"USDT": "12", "X": None}}, {"USDT": 10**8}) == {"USDT": 11 * 10**8}


@pytest.mark.parametrize(
    ("name", "text", "verdict", "code"),
    [
        ("RequestTimeout", "binance POST", Verdict.UNKNOWN, ""),
        ("ExchangeNotAvailable", "502 Bad Gateway", Verdict.UNKNOWN, ""),
        ("NetworkError", "cut", Verdict.UNKNOWN, ""),
        ("ExchangeError", "nobody knows", Verdict.UNKNOWN, ""),
        ("ExchangeError", 'binance {"code":-1007,"msg":"Timeout"}', Verdict.UNKNOWN, ""),
        ("OperationFailed", 'binance {"code":-1001,"msg":"Internal"}', Verdict.UNKNOWN, ""),
        ("InvalidOrder", 'binance {"code":-4116,"msg":"Duplicate"}', Verdict.UNKNOWN, ""),
        ("DuplicateOrderId", "x", Verdict.UNKNOWN, ""),
        ("BadResponse", "<html>", Verdict.UNKNOWN, ""),
        ("InsufficientFunds", 'binance {"code":-2019,"msg":"Margin"}', Verdict.REFUSED, "VENUE_REJECTED"),
        ("BadRequest", 'binance {"code":-4016,"msg":"Price"}', Verdict.REFUSED, "VENUE_REJECTED"),
        ("ExchangeError", 'binance {"code":-5022,"msg":"Post only"}', Verdict.REFUSED, "WOULD_TAKE"),
        ("ExchangeError", 'binance {"code":-2022,"msg":"Reduce"}', Verdict.REFUSED, "REDUCE_ONLY_REJECTED"),
        ("DDoSProtection", "429", Verdict.REFUSED, "VENUE_REJECTED"),
    ],
)
def test_what_a_failure_proves(name: str, text: str, verdict: Verdict, code: str) -> None:
    import ccxt

    answer = words.judge(getattr(ccxt, name)(text))
    assert (answer.verdict, answer.code) == (verdict, code)

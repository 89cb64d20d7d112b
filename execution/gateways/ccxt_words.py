"""ccxt's unified dictionaries as exact records, and its exceptions as verdicts. Numbers must come as strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from execution.errors import ExecutionCode
from execution.gateways.port import Answer, Verdict
from execution.reconcile import Seen, VenueFill, VenueStatus
from ledger.intent import Intent, OrderType
from ledger.order import Liquidity
from ledger.value import REPORT_SCALE
from market.events import Side
from market.instrument import Instrument
from market.rounding import to_decimal, to_int

MS = 1_000_000
_STATUS = {
    "open": VenueStatus.OPEN, "closed": VenueStatus.FILLED, "canceled": VenueStatus.CANCELLED,
    "canceling": VenueStatus.OPEN, "expired": VenueStatus.EXPIRED, "expired_in_match": VenueStatus.EXPIRED,
    "rejected": VenueStatus.REJECTED,
}
_LIQUIDITY = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}
_CODE = re.compile(r'"code":\s*"?(-?\d+)')
_REASONS = {  # Binance's numbers that have a name of ours
    "-5022": ExecutionCode.WOULD_TAKE, "-2022": ExecutionCode.REDUCE_ONLY_REJECTED,
}
# Binance's numbers that leave open whether the order was taken: unknown error, disconnected, unexpected answer, timeout
_OPEN_ENDED = {"-1000", "-1001", "-1006", "-1007"}


def order_arguments(intent: Intent, instrument: Instrument) -> tuple[str, str, str, str, str | None, dict[str, Any]]:
    """The arguments of ccxt's `create_order`: symbol, type, side, amount, price, params."""
    params: dict[str, Any] = {"clientOrderId": intent.order_id}
    limit = intent.type == OrderType.LIMIT
    if limit:
        params["timeInForce"] = intent.tif.name
    if intent.post_only:
        params.pop("timeInForce", None)
        params["postOnly"] = True
    if intent.reduce_only:
        params["reduceOnly"] = True
    amount = format(to_decimal(intent.qty, instrument.qty_scale), "f")
    price = format(to_decimal(intent.price, instrument.price_scale), "f") if limit else None
    side = "buy" if intent.side == Side.BUY else "sell"
    return instrument.symbol, "limit" if limit else "market", side, amount, price, params


def fill(trade: Mapping[str, Any], instrument: Instrument) -> VenueFill:
    """A ccxt trade of ours."""
    fee = trade.get("fee") or {}
    return VenueFill(
        trade_id=str(trade["id"]), instrument=instrument.id,
        side=Side.BUY if trade["side"] == "buy" else Side.SELL,
        price=to_int(str(trade["price"]), instrument.price_scale),
        qty=to_int(str(trade["amount"]), instrument.qty_scale),
        fee=to_int(str(fee.get("cost") or "0"), REPORT_SCALE), fee_asset=str(fee.get("currency") or ""),
        liquidity=_LIQUIDITY.get(str(trade.get("takerOrMaker")), Liquidity.NONE),
        ts_event=int(trade["timestamp"]) * MS, venue_order_id=str(trade["order"]),
        client_order_id=client_id(trade),
    )


def seen(order: Mapping[str, Any], instrument: Instrument, fills: list[VenueFill]) -> Seen:
    """A ccxt order with those of its fills that are known."""
    ts = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp") or order.get("timestamp") or 0
    return Seen(
        venue_order_id=str(order["id"]), status=_STATUS.get(str(order["status"]), VenueStatus.OPEN),
        filled=to_int(str(order.get("filled") or "0"), instrument.qty_scale), ts_event=int(ts) * MS, fills=fills,
    )


def client_id(record: Mapping[str, Any]) -> str:
    """Our own id in an order or trade, empty where the venue does not repeat it."""
    info = record.get("info") or {}
    return str(record.get("clientOrderId") or info.get("clientOrderId") or info.get("c") or "")


def wallet(balance: Mapping[str, Any], unrealised: Mapping[str, int]) -> dict[str, int]:
    """What the account owns of each asset without open profit, 10^-8."""
    info = balance.get("info")
    rows = info.get("assets") if isinstance(info, dict) else None
    if isinstance(rows, list) and rows and "walletBalance" in rows[0]:
        return {str(row["asset"]): to_int(str(row["walletBalance"]), REPORT_SCALE) for row in rows}
    totals = balance.get("total") or {}
    return {
        str(asset): to_int(str(total), REPORT_SCALE) - unrealised.get(str(asset), 0)
        for asset, total in totals.items() if total is not None
    }


def judge(error: Exception) -> Answer:
    """Whether a failed request is known to have been refused; in doubt it is unknown."""
    import ccxt

    text = str(error)[:300]
    number = match.group(1) if (match := _CODE.search(text)) else ""
    if isinstance(error, ccxt.DuplicateOrderId) or number in _OPEN_ENDED or "Duplicate" in text:
        return Answer(Verdict.UNKNOWN, detail=text)  # a duplicate is ours from before: look it up
    refused = (
        ccxt.InvalidOrder, ccxt.InsufficientFunds, ccxt.BadRequest, ccxt.AuthenticationError, ccxt.NotSupported,
        ccxt.RateLimitExceeded, ccxt.DDoSProtection, ccxt.OperationRejected,
    )
    certain = isinstance(error, refused) or (number.startswith("-") and not isinstance(error, ccxt.OperationFailed))
    if not certain:
        return Answer(Verdict.UNKNOWN, detail=text)
    code = _REASONS.get(number, ExecutionCode.VENUE_REJECTED)
    return Answer(Verdict.REFUSED, code=code.name, detail=text)

"""What ccxt says about a market, as an instrument specification in whole numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from infra.errors import TickhouseError
from market.instrument import InstrumentKind, InstrumentSpec, Status
from market.rounding import INT64_MAX, decimals, to_int
from venues.errors import VenueCode

_CONTRACT_SCALE = 8
_PPM = 1_000_000
_MS = 1_000_000
_WHOLE_UNITS_RESERVE = 2
_NEVER_MS = 4_102_444_800_000  # 2100: perpetuals are given a delivery in that year
_GONE = frozenset({"close", "closed", "delisted", "delivered", "expired", "settled"})


def spec_of(venue: str, market: dict[str, Any], tick_sizes: bool, now: int) -> InstrumentSpec:
    """The specification of one ccxt market; `tick_sizes` tells whether its precisions are steps or digit counts.

    VENUE_BAD_ANSWER where the venue gives no step for prices or quantities.
    """
    info = market.get("info") or {}
    tick = _step(venue, market, "price", tick_sizes)
    lot = _step(venue, market, "amount", tick_sizes)
    # The scale stays for the instrument's life, the tick may become finer: take the digits that the venue reserves.
    price_scale = max(decimals(tick), _digits(info, "pricePrecision"))
    reserved = _digits(info, "baseAssetPrecision" if market.get("spot") else "quantityPrecision")
    # Of what trades in whole units so many change hands that eight decimals of it would not fit in 64 bits.
    qty_scale = max(decimals(lot), reserved if decimals(lot) else min(reserved, _WHOLE_UNITS_RESERVE))
    limits = market.get("limits") or {}
    amount, cost = limits.get("amount") or {}, limits.get("cost") or {}
    kind = _kind(market)
    delisted = _moment(market.get("expiry"), info.get("deliveryDate"), info.get("deliveryTime"))
    if market.get("active") and delisted <= now:
        delisted = 0  # it trades, whatever its delivery field still says
    return InstrumentSpec(
        venue=venue,
        symbol=market["symbol"],
        venue_symbol=market["id"],
        kind=kind,
        base=market["base"],
        quote=market["quote"],
        settle=market.get("settle") or market["quote"],
        price_scale=price_scale,
        qty_scale=qty_scale,
        contract_size=to_int(str(market.get("contractSize") or "1"), _CONTRACT_SCALE),
        tick=to_int(tick, price_scale),
        lot=to_int(lot, qty_scale),
        min_qty=_limit(amount.get("min"), qty_scale),
        max_qty=_limit(amount.get("max"), qty_scale),
        min_notional=_limit(cost.get("min"), price_scale + qty_scale),
        maker_fee_ppm=_ppm(market.get("maker")),
        taker_fee_ppm=_ppm(market.get("taker")),
        status=_status(market, info, delisted, now),
        valid_from=now,
        listed=_moment(market.get("created"), info.get("onboardDate")),
        delisted=delisted,
    )


def _moment(*told_ms: object) -> int:
    """The first of these times that is one, in ns; 0: none. Venues write 0, "" or the year 2100 for "never"."""
    for told in told_ms:
        text = str(told or "")
        if text.isascii() and text.isdigit() and 0 < int(text) < _NEVER_MS:
            return int(text) * _MS
    return 0


def _status(market: dict[str, Any], info: dict[str, Any], delisted: int, now: int) -> Status:
    word = str(info.get("status") or info.get("state") or "").lower()
    if word in _GONE or 0 < delisted <= now:
        return Status.DELISTED
    return Status.HALTED if market.get("active") is False else Status.TRADING


def _kind(market: dict[str, Any]) -> InstrumentKind:
    if market.get("spot"):
        return InstrumentKind.SPOT
    return InstrumentKind.INVERSE if market.get("inverse") else InstrumentKind.LINEAR


def _step(venue: str, market: dict[str, Any], what: str, tick_sizes: bool) -> str:
    value = (market.get("precision") or {}).get(what)
    if value is None or (Decimal(str(value)) <= 0 and tick_sizes):
        raise TickhouseError(
            VenueCode.VENUE_BAD_ANSWER, venue=venue, symbol=market.get("symbol"), request="markets",
            problem=f"no step for {what}",
        )
    return str(value) if tick_sizes else str(Decimal(1).scaleb(-int(value)))


def _digits(info: dict[str, Any], key: str) -> int:
    value = str(info.get(key, ""))
    return int(value) if value.isdigit() and int(value) <= 8 else 0


def _limit(value: object, scale: int) -> int:
    """A limit in whole steps of the scale, towards the strict side never needed: 0 where there is none to state."""
    if value is None:
        return 0
    scaled = Decimal(str(value)).scaleb(scale)
    return int(scaled) if scaled <= INT64_MAX else 0


def _ppm(rate: object) -> int:
    return int((Decimal(str(rate)) * _PPM).to_integral_value()) if rate is not None else 0

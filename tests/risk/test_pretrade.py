import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.intent import OrderType
from market.events import Side
from market.instrument import Status
from risk import pretrade
from risk.context import RiskContext
from risk.errors import DenyCode
from risk.level import Level
from risk.limits import Limits

USDT = 10**8


def test_a_plain_order_passes(order, context):
    assert pretrade.check(order, context).allowed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"halted": True}, DenyCode.ORDER_HALTED),
        ({"known_order_ids": {"a"}}, DenyCode.ORDER_DUPLICATE),
        ({"known_order_ids": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"instrument": None}, DenyCode.ORDER_INSTRUMENT_UNKNOWN),
        ({"rules": None}, DenyCode.ORDER_INSTRUMENT_UNKNOWN),
        ({"instrument_limits": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"position": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"feed_healthy": False}, DenyCode.ORDER_FEED_UNHEALTHY),
        ({"quote_age_ns": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"quote_age_ns": 2_000_000_001}, DenyCode.ORDER_QUOTE_STALE),
        ({"quote_age_ns": -1}, DenyCode.ORDER_QUOTE_STALE),
        ({"mid": 0}, DenyCode.ORDER_PRICE_COLLAR),
        ({"mid": 49_000_00}, DenyCode.ORDER_PRICE_COLLAR),
        ({"position": 480}, DenyCode.ORDER_POSITION_LIMIT),
        ({"working_buy": 480}, DenyCode.ORDER_POSITION_LIMIT),
        ({"nodes": ()}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"equity": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"equity": 800 * USDT, "peak_equity": 800 * USDT}, DenyCode.ORDER_LEVERAGE_LIMIT),
        ({"equity": 0, "peak_equity": 0}, DenyCode.ORDER_DRAWDOWN_STOP),
        ({"orders_last_second": 50}, DenyCode.ORDER_RATE_LIMIT),
        ({"orders_last_second": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"day_pnl": -1_000 * USDT}, DenyCode.ORDER_LOSS_STOP),
        ({"day_pnl": None}, DenyCode.ORDER_CONTEXT_MISSING),
        ({"equity": 85_000 * USDT}, DenyCode.ORDER_DRAWDOWN_STOP),
    ],
)
def test_a_bad_state_denies_with_its_code(order, context, change, code):
    for name, value in change.items():
        setattr(context, name, value)
    verdict = pretrade.check(order, context)
    assert not verdict.allowed
    assert verdict.code is code
    assert str(code) in verdict.reason


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"order_id": ""}, DenyCode.ORDER_DUPLICATE),
        ({"instrument": 2}, DenyCode.ORDER_INSTRUMENT_UNKNOWN),
        ({"side": Side.NONE}, DenyCode.ORDER_QTY_INVALID),
        ({"qty": 0}, DenyCode.ORDER_QTY_INVALID),
        ({"qty": -50}, DenyCode.ORDER_QTY_INVALID),
        ({"qty": 120_001}, DenyCode.ORDER_QTY_INVALID),
        ({"price": 50_000_05}, DenyCode.ORDER_PRICE_INVALID),
        ({"price": -10}, DenyCode.ORDER_PRICE_INVALID),
        ({"price": 0}, DenyCode.ORDER_PRICE_INVALID),
        ({"type": OrderType.MARKET}, DenyCode.ORDER_PRICE_INVALID),
        ({"qty": 1}, DenyCode.ORDER_NOTIONAL_TOO_SMALL),
        ({"price": 50_500_10}, DenyCode.ORDER_PRICE_COLLAR),
        ({"price": 49_499_90, "side": Side.SELL}, DenyCode.ORDER_PRICE_COLLAR),
        ({"qty": 101}, DenyCode.ORDER_NOTIONAL_LIMIT),
        ({"qty": 101, "price": 0, "type": OrderType.MARKET}, DenyCode.ORDER_NOTIONAL_LIMIT),
        ({"reduce_only": True}, DenyCode.ORDER_REDUCE_ONLY),
    ],
)
def test_a_bad_order_is_denied_with_its_code(order, context, change, code):
    assert pretrade.check(replace(order, **change), context).code is code


def test_limits_are_reached_exactly(order, context):
    assert pretrade.check(replace(order, qty=100, price=50_000_00), context).allowed
    assert pretrade.check(replace(order, price=50_500_00, qty=50), context).allowed
    context.position = 450
    assert pretrade.check(replace(order, qty=50), context).allowed
    assert pretrade.check(replace(order, qty=51), context).code is DenyCode.ORDER_POSITION_LIMIT


def test_a_closed_instrument_takes_nothing(order, context, rules):
    context.rules = dataclasses.replace(rules, status=Status.HALTED)
    context.position = -100
    assert pretrade.check(order, context).code is DenyCode.ORDER_INSTRUMENT_CLOSED


def test_exposure_names_the_level_that_has_no_room(order, context, exposure):
    exposure.set(1, 39_000 * USDT)
    verdict = pretrade.check(order, context)
    assert verdict.code is DenyCode.ORDER_EXPOSURE_LIMIT
    assert dict(verdict.numbers)["level"] == "sector"


def test_stops_are_critical(order, context):
    context.day_pnl = -5_000 * USDT
    assert pretrade.check(order, context).level is Level.CRITICAL


def _all_wrong(context):
    """No feed, no quote, stopped, over every limit: only the halt is off."""
    context.feed_healthy = False
    context.quote_age_ns = None
    context.mid = 0
    context.nodes = ()
    context.equity = context.day_pnl = context.peak_equity = context.orders_last_second = None


def test_reducing_is_always_allowed_unless_halted(order, context):
    _all_wrong(context)
    context.position = -100
    assert pretrade.check(replace(order, qty=100, reduce_only=True), context).allowed
    assert pretrade.check(replace(order, qty=1, reduce_only=True), context).allowed  # below the least value
    context.halted = True
    assert pretrade.check(replace(order, qty=100, reduce_only=True), context).code is DenyCode.ORDER_HALTED


def test_reducing_never_turns_the_position_round(order, context):
    _all_wrong(context)
    context.position = -100
    assert not pretrade.check(replace(order, qty=101), context).allowed
    assert pretrade.check(replace(order, qty=101, reduce_only=True), context).code is DenyCode.ORDER_REDUCE_ONLY
    context.working_buy = 60  # these may fill too
    assert pretrade.check(replace(order, qty=40), context).allowed
    assert not pretrade.check(replace(order, qty=41), context).allowed


def test_a_reducing_order_with_a_fat_finger_is_still_caught(order, context):
    context.position = -100
    assert pretrade.check(replace(order, price=60_000_00), context).code is DenyCode.ORDER_PRICE_COLLAR


@given(
    held=st.integers(-1_000, 1_000),
    qty=st.integers(1, 3_000),
    side=st.sampled_from([Side.BUY, Side.SELL]),
    buys=st.integers(0, 500),
    sells=st.integers(0, 500),
)
def test_what_counts_as_reducing_never_ends_on_the_other_side(held, qty, side, buys, sells):
    if pretrade.reduces(side, qty, held, buys, sells):
        own = buys if side == Side.BUY else sells
        end = held + (qty + own) * (1 if side == Side.BUY else -1)
        assert end * held >= 0
        assert abs(end) < abs(held)


@given(position=st.integers(-600, 600), qty=st.integers(1, 300), side=st.sampled_from([Side.BUY, Side.SELL]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_allowed_order_can_pass_the_position_limit(order, context, position, qty, side):
    context.position = position
    if pretrade.check(replace(order, qty=qty, side=side), context).allowed:
        after = position + (qty if side == Side.BUY else -qty)
        assert abs(after) <= max(500, abs(position))


def test_an_unfilled_context_denies(order, limits: Limits):
    assert not pretrade.check(order, RiskContext(limits)).allowed
    assert not pretrade.check(order, RiskContext(limits, halted=False)).allowed


def test_there_are_ten_checks_and_more():
    assert len({**pretrade.ALWAYS, **pretrade.NEW_RISK}) >= 10

"""Exact numbers: what goes in comes out, and nothing is rounded unasked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.errors import MarketCode
from market.events import Side
from market.rounding import INT64_MAX, decimals, notional, rescale, round_price, round_qty, to_decimal, to_int

ints = st.integers(-INT64_MAX, INT64_MAX)
scales = st.integers(0, 12)


@given(ints, scales)
def test_decimal_and_back(value: int, scale: int) -> None:
    assert to_int(to_decimal(value, scale), scale) == value
    assert to_int(str(to_decimal(value, scale)), scale) == value


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [("1.50", 1, 15), ("61837.63000000", 2, 6183763), ("-0.5", 1, -5), ("1e-8", 8, 1), ("0", 0, 0), ("2E3", 0, 2000)],
)
def test_examples(text: str, scale: int, value: int) -> None:
    assert to_int(text, scale) == value


@pytest.mark.parametrize(
    ("text", "scale", "code"),
    [
        ("0.05", 1, MarketCode.MARKET_NUMBER_INEXACT),
        ("1e-9", 8, MarketCode.MARKET_NUMBER_INEXACT),
        ("NaN", 2, MarketCode.MARKET_NUMBER_BAD),
        ("Infinity", 2, MarketCode.MARKET_NUMBER_BAD),
        ("", 2, MarketCode.MARKET_NUMBER_BAD),
        ("12a", 2, MarketCode.MARKET_NUMBER_BAD),
        ("1_2", 2, MarketCode.MARKET_NUMBER_BAD),
        (" 1", 2, MarketCode.MARKET_NUMBER_BAD),
        ("١٢", 2, MarketCode.MARKET_NUMBER_BAD),
        ("9223372036854775808", 0, MarketCode.MARKET_NUMBER_RANGE),
        ("1e999999", 0, MarketCode.MARKET_NUMBER_RANGE),
    ],
)
def test_refusals(text: str, scale: int, code: MarketCode) -> None:
    with pytest.raises(TickhouseError) as raised:
        to_int(text, scale)
    assert raised.value.code is code


@given(st.integers(1, INT64_MAX), st.integers(1, 10**6))
def test_a_price_is_rounded_to_the_order_s_advantage(price: int, tick: int) -> None:
    bid, ask = round_price(price, tick, Side.BUY), round_price(price, tick, Side.SELL)
    assert bid <= price <= ask
    assert bid % tick == ask % tick == 0
    assert ask - bid in {0, tick}


@given(ints, st.integers(1, 10**6))
def test_a_quantity_is_rounded_towards_zero(qty: int, lot: int) -> None:
    rounded = round_qty(qty, lot)
    assert rounded % lot == 0
    assert abs(rounded) <= abs(qty) < abs(rounded) + lot
    assert rounded == 0 or (rounded > 0) == (qty > 0)


def test_a_step_must_be_positive() -> None:
    for call in (lambda: round_price(5, 0, Side.BUY), lambda: round_qty(5, -1)):
        with pytest.raises(TickhouseError) as raised:
            call()
        assert raised.value.code is MarketCode.MARKET_STEP_BAD


@given(st.integers(0, INT64_MAX), st.integers(0, 12), st.integers(0, 12))
def test_rescale_is_half_to_even(value: int, source: int, target: int) -> None:
    want = to_decimal(value, source).quantize(Decimal(1).scaleb(-target)) if target < source else None
    got = rescale(value, source, target)
    assert got == (value * 10 ** (target - source) if want is None else to_int(want, target))


def test_small_helpers() -> None:
    assert decimals("0.010") == 2
    assert decimals("10") == 0
    assert decimals(Decimal("1e-8")) == 8
    assert notional(2**62, -(2**62)) == -(2**124)

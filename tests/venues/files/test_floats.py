"""Binary floats become the decimal that was meant, or nothing."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.files import cells, floats


@given(st.lists(st.integers(-(10**15), 10**15), max_size=20), st.integers(0, 12))
def test_every_decimal_of_fifteen_digits_comes_back(whole, scale):
    written = pl.Series([float(Decimal(number).scaleb(-scale)) for number in whole], dtype=pl.Float64)
    assert floats.scaled(written, scale).to_list() == whole


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), max_size=20), st.integers(0, 12))
def test_what_is_taken_gives_the_same_float_and_is_the_shortest_decimal(values, scale):
    for value, whole in zip(values, floats.scaled(pl.Series(values, dtype=pl.Float64), scale), strict=True):
        meant = Decimal(repr(value)).scaleb(scale)
        fits = meant == meant.to_integral_value() and -(2**63) <= meant < 2**63
        assert whole == (int(meant) if fits else None)


def test_what_is_no_number_is_nothing():
    values = pl.Series([None, float("nan"), float("inf"), -float("inf"), 1e300, 9.3e18])
    assert floats.scaled(values, 0).to_list() == [None] * 6
    assert floats.scaled(values, 0, rounded=True).to_list() == [None] * 6
    assert floats.scaled(pl.Series([], dtype=pl.Float64), 8).to_list() == []


def test_a_trace_of_arithmetic_is_refused_unless_the_file_is_declared_rounded():
    values = pl.Series([5.330000000000001e-05, 0.1 + 0.2, 33.35399601000002, 0.3])
    assert floats.scaled(values, 8).to_list() == [None, None, None, 30_000_000]
    assert floats.scaled(values, 8, rounded=True).to_list() == [5_330, 30_000_000, 3_335_399_601, 30_000_000]


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=200))
def test_a_sum_of_many_numbers_is_read_as_what_it_sums_to(parts):
    total = sum(number / 10**6 for number in parts)
    assert floats.scaled(pl.Series([total]), 6, rounded=True).to_list() == [sum(parts)]


@pytest.mark.parametrize("value", [0.123456789, 1.5e-9, 1.005, 99.999999999])
def test_a_digit_beyond_the_scale_is_not_a_trace(value):
    assert floats.scaled(pl.Series([value]), 2, rounded=True).to_list() == [None]


def test_large_numbers_keep_the_digits_that_were_written():
    # 28906799.7 at scale 10 passes 2^53: the product of floats would be 289067997000000032.
    assert floats.scaled(pl.Series([28906799.7]), 10).to_list() == [289_067_997_000_000_000]


def test_float32_stands_for_its_own_shortest_decimal():
    assert floats.scaled(pl.Series([0.1, 16.25], dtype=pl.Float32), 4).to_list() == [1_000, 162_500]


def test_text_may_carry_traces_too_where_the_file_is_declared_rounded():
    text = pl.Series(["6.1153319800000006", "0.14", "x", "", None])
    assert cells.whole(text, 8).to_list() == [None, 14_000_000, None, None, None]
    assert cells.whole(text, 8, rounded=True).to_list() == [611_533_198, 14_000_000, None, None, None]


def test_digits_are_given_up_only_where_that_was_asked_for():
    text = pl.Series(["0.000658153991747989", "0.0000000000005", "-0.0000000000015", "1e40", "nan"])
    assert cells.whole(text, 12).to_list() == [None] * 5
    assert cells.whole(text, 12, nearest=True).to_list() == [658_153_992, 0, -2, None, None]

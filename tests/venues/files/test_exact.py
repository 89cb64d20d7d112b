"""Text to whole numbers: the same as decimal arithmetic, or null."""

from decimal import Decimal, InvalidOperation

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.rounding import INT64_MAX
from venues.files.errors import FileCode
from venues.files.exact import refuse_nulls, scaled, scaled_columns, scaled_text


def read(cells, scale):
    return scaled_text(pl.Series("x", cells, dtype=pl.String), scale).to_list()


def by_decimal(cell, scale):
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return None
    if not number.is_finite() or (number and number.adjusted() > 40):
        return None
    sign, digits, exponent = number.as_tuple()
    value, shift = int("".join(map(str, digits))), exponent + scale
    if value == 0:
        return 0
    if shift < -200:
        return None
    whole, rest = (value * 10**shift, 0) if shift >= 0 else divmod(value, 10**-shift)
    whole = -whole if sign else whole
    return whole if not rest and -INT64_MAX - 1 <= whole <= INT64_MAX else None


@pytest.mark.parametrize(("cell", "scale", "wanted"), [
    ("1.5", 2, 150), ("1.50000000", 2, 150), ("+1.5", 2, 150), ("-0.001", 3, -1), (".5", 1, 5), ("5.", 0, 5),
    ("1e-05", 5, 1), ("1E5", 0, 100_000), ("3.844E-5", 8, 3_844), ("1.25e1", 1, 125), ("-0", 3, 0), ("0.000", 0, 0),
    ("1.125", 2, None), ("1e-05", 4, None), ("1e-400", 18, None), ("1e400", 0, None), ("0e400", 2, 0),
    ("92233720368.54775807", 8, INT64_MAX), ("92233720368.54775808", 8, None),
    ("-92233720368.54775808", 8, -INT64_MAX - 1), ("20000.000000000000000000000000000000001", 0, None),
    ("0.000000000000000000000000000000000001", 2, None), ("1234567890123.00000000", 8, None),
    ("123456789012.50000000", 8, None), ("12345678901.50000000", 8, 1_234_567_890_150_000_000),
    ("", 2, None), (" 1", 2, None), ("1 ", 2, None), ("nan", 2, None), ("inf", 2, None), ("-Infinity", 2, None),
    ("1_000", 2, None), ("0x10", 2, None), ("1,5", 2, None), ("--1", 2, None), ("1.2.3", 2, None), (".", 2, None),
    ("e5", 2, None), ("1e", 2, None), ("\u0661", 2, None), (None, 2, None),
])
def test_a_cell_is_exact_or_null(cell, scale, wanted):
    assert read([cell], scale) == [wanted]
    assert read(["1", cell, "0"], scale)[1] == wanted  # beside others, which take the fast road


NUMBERS = st.from_regex(r"[+-]?[0-9]{0,22}\.?[0-9]{0,45}([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.integers(0, 18))
def test_any_number_agrees_with_decimal_arithmetic(cells, scale):
    assert read(cells, scale) == [by_decimal(cell, scale) for cell in cells]


@given(st.lists(st.text(max_size=12), max_size=8), st.integers(0, 18))
def test_any_text_is_read_only_where_it_is_a_plain_number(cells, scale):
    for cell, value in zip(cells, read(cells, scale), strict=True):
        assert value is None or value == by_decimal(cell, scale)


@given(st.integers(-INT64_MAX, INT64_MAX), st.integers(0, 18), st.integers(0, 8))
def test_a_written_number_comes_back(value, scale, zeros):
    text = f"{Decimal(value).scaleb(-scale):f}" if abs(value) < 10**27 else str(value)
    if scale:
        text += "0" * zeros
    assert read([text], scale) == [value]


def test_columns_at_once_are_as_one_by_one():
    text = pl.DataFrame({"p": ["1.5", "x", "1e-30"], "q": ["0", "2.000", "7"]})
    made = scaled_columns(text, {"price": ("p", 2), "qty": ("q", 3), "again": ("p", 1)})
    assert made.rows() == [(150, 0, 15), (None, 2_000, None), (None, 7_000, None)]
    assert text.select(scaled("q", 3)).to_series().to_list() == [0, 2_000, 7_000]
    assert scaled_columns(text.clear(), {"price": ("p", 2)}).schema == {"price": pl.Int64}


def test_the_first_bad_row_is_named_with_its_line_and_content():
    text = pl.DataFrame({"p": ["1", "x", "y"], "q": ["1", "2", "z"], "line": [5, 7, 8]})
    made = scaled_columns(text, {"p": ("p", 0), "q": ("q", 0)})
    with pytest.raises(TickhouseError) as caught:
        refuse_nulls("a.csv", made, ["q", "p"], text)
    assert caught.value.code is FileCode.FILE_ROW_BAD
    assert caught.value.context | {"problem": ""} == {
        "file": "a.csv", "line": 7, "column": "p", "row": "x,2", "problem": "",
    }
    refuse_nulls("a.csv", made.head(1), ["p", "q"], text)

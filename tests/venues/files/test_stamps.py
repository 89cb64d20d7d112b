"""Stamps: the unit by magnitude, one for a file, and nothing guessed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.stamps import Stamps

FACTOR = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MOMENT = st.integers(200_000_000, 4_000_000_000)  # seconds: 1976 to 2096


def read(*cells, stamps=None, dtype=pl.String, **options):
    text = pl.DataFrame({"t": pl.Series(cells, dtype=dtype), "line": range(10, 10 + len(cells))})
    return (stamps or Stamps("f.csv", **options)).ns(text, "t").to_list()


@pytest.mark.parametrize(("cell", "wanted"), [
    ("1733011200", 1_733_011_200 * 10**9), ("1733011200.6912", 1_733_011_200_691_200_000),
    ("1733011200691", 1_733_011_200_691 * 10**6), ("1733011200691.5", 1_733_011_200_691_500_000),
    ("1733011200691123", 1_733_011_200_691_123 * 10**3), ("1733011200691123456", 1_733_011_200_691_123_456),
    ("1.733011200691e12", 1_733_011_200_691 * 10**6), ("0", 0), ("-1", -1),
])
def test_the_magnitude_tells_the_unit(cell, wanted):
    assert read(cell) == [wanted]


@given(st.lists(MOMENT, min_size=1, max_size=6), st.sampled_from(list(FACTOR)))
def test_every_unit_of_every_decade(moments, unit):
    stamps = [moment * 10**9 // FACTOR[unit] for moment in moments]
    assert read(*map(str, stamps)) == [moment * 10**9 for moment in moments]
    assert read(*stamps, dtype=pl.Int64) == [moment * 10**9 for moment in moments]
    assert read(*map(str, stamps), unit=unit) == [moment * 10**9 for moment in moments]


def test_two_units_in_one_file_are_named_with_both_lines():
    for second in ("1733011200691000", "1733011200691000.5"):
        with pytest.raises(TickhouseError) as caught:
            read("0", "1733011200691", second)
        assert caught.value.code is FileCode.FILE_STAMPS_MIXED
        context = caught.value.context
        assert (context["first_line"], context["first_unit"], context["line"], context["unit"]) == (11, "ms", 12, "us")


def test_two_units_are_found_also_when_batches_lie_between():
    stamps = Stamps("f.csv")
    assert read("1733011200691", stamps=stamps) == [1_733_011_200_691 * 10**6]
    assert read("0", stamps=stamps) == [0]
    with pytest.raises(TickhouseError) as caught:
        read("1733011200", stamps=stamps)
    assert caught.value.code is FileCode.FILE_STAMPS_MIXED


def test_rows_may_have_their_own_unit_where_the_format_says_so():
    assert read("1733011200", "0", "1733011200000", "1733011200000000", per_row=True) == [
        1_733_011_200 * 10**9, 0, 1_733_011_200 * 10**9, 1_733_011_200 * 10**9]


@pytest.mark.parametrize("cell", ["", "abc", "nan", "2024-01-01", "1733011200.12345678912", "99999999999999999"])
def test_what_is_no_stamp_is_refused(cell):
    with pytest.raises(TickhouseError) as caught:
        read("1733011200691000" if len(cell) == 17 else "1733011200", cell)
    assert (caught.value.code, caught.value.context["line"]) == (FileCode.FILE_ROW_BAD, 11)


def test_no_rows_have_no_stamps():
    assert read() == []

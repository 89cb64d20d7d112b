"""Ids for trades: the same at every reading, and different for rows that look alike."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from venues import ccxt_trades
from venues.files.errors import FileCode
from venues.files.ids import TradeIds, numbers_of

ROW = st.tuples(st.integers(0, 3), st.integers(1, 2), st.integers(1, 2))


def frame(rows):
    columns = ["ts_event", "price", "qty"]
    made = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Int64), orient="row")
    return made.with_columns(side=pl.lit(0, dtype=pl.UInt8), line=pl.int_range(pl.len()) + 1)


def ids(*batches):
    made = TradeIds("f.csv")
    return [number for batch in batches for number in made.of(frame(batch)).to_list()]


@given(st.lists(ROW, max_size=30), st.data(), st.booleans())
def test_batches_do_not_matter_and_no_two_rows_share_an_id(rows, data, newest_first):
    rows = sorted(rows, reverse=newest_first)
    at = data.draw(st.integers(0, len(rows)))
    whole = ids(rows)
    assert ids(rows[:at], rows[at:]) == whole
    assert len(set(whole)) == len(rows)
    assert all(0 <= number < 1 << 63 for number in whole)


def test_ids_are_the_same_for_ever():
    # Changing the hash would store every trade a second time.
    assert ids([(1_672_531_436 * 10**9, 90_540_000, 110_448_420)]) == [1_801_563_347_869_883_493]


def test_a_file_that_goes_back_in_time_is_refused_where_equal_rows_could_be_missed():
    with pytest.raises(TickhouseError) as caught:
        ids([(1, 1, 1), (3, 1, 1)], [(2, 1, 1)])
    assert caught.value.code is FileCode.FILE_ROW_BAD


def test_ids_that_are_words_become_the_numbers_that_rest_gives():
    names = ["17", "224061a0-e105-508c-9696-b53ab4b5bb03", "999999999999999999", "9999999999999999999", "00017x"]
    wanted = [ccxt_trades.number_of({"id": name}) for name in names]
    assert numbers_of(pl.Series(names)).to_list() == wanted

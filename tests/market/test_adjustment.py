"""Redenominations on read: exact, undone by `revert`, the same when applied twice, and as of a time."""

from __future__ import annotations

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market import adjustment
from market.adjustment import Adjustment, Scales
from market.errors import MarketCode

DAY = 86_400 * 10**9
COCOS = Adjustment(1, 10 * DAY, 5 * DAY, 1, 1000, "1000 old for 1 new")
BTCST = Adjustment(2, 10 * DAY, 5 * DAY, 10, 1, "1 old for 10 new")
SCALES = {1: Scales(7, 8), 2: Scales(4, 3), 3: Scales(2, 3)}


def bars(*rows: tuple[int, int, int, int]) -> pl.DataFrame:
    schema = {"instrument": pl.UInt32, "ts_event": pl.Int64, "close": pl.Int64, "volume": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_series_in_one_unit() -> None:
    frame = bars((1, 9 * DAY, 4_321, 10**13 + 1), (1, 10 * DAY, 4_300_000, 7), (2, 9 * DAY, 851_234, 5),
                 (2, 11 * DAY, 85_000, 6), (3, 9 * DAY, 100, 1))
    made = adjustment.apply(frame, [COCOS, BTCST], SCALES)
    # COCOS at 0.0004321 is 0.4321 a new coin; a thousandth of its volume needs three more decimals.
    assert made.select("close", "price_scale", "volume", "qty_scale").rows() == [
        (4_321_000, 7, 10**13 + 1, 11), (4_300_000, 7, 7_000, 11),
        (851_234, 5, 50, 3), (850_000, 5, 6, 3), (100, 2, 1, 3),
    ]
    assert made.select("numerator", "denominator").rows() == [(1, 1000), (1, 1), (10, 1), (1, 1), (1, 1)]
    assert adjustment.revert(made, SCALES).equals(frame)
    assert adjustment.scales_of([COCOS, BTCST], 2, SCALES[2]) == Scales(5, 3)


def test_as_of_a_time() -> None:
    assert adjustment.in_force([COCOS], 4 * DAY) == []
    assert adjustment.in_force([COCOS], 9 * DAY) == [], "announced, and not yet so"
    assert adjustment.in_force([COCOS], 10 * DAY) == [COCOS]
    corrected = Adjustment(1, 10 * DAY, 20 * DAY, 1, 100)
    assert adjustment.in_force([corrected, COCOS], 19 * DAY) == [COCOS]
    assert adjustment.in_force([corrected, COCOS]) == [corrected]


def test_order_and_other_columns_stay() -> None:
    frame = bars((3, 5, 1, 1), (1, 20 * DAY, 2, 2), (1, 5, 3, 3)).with_columns(source=pl.lit("x"))
    made = adjustment.apply(frame, [COCOS], SCALES)
    assert made["ts_event"].to_list() == [5, 20 * DAY, 5]
    assert made.columns == [*frame.columns, *adjustment.MARKS]
    none = adjustment.apply(frame.clear(), [COCOS], SCALES)
    assert none.schema == made.schema


def test_what_cannot_be_exact_is_an_error() -> None:
    def code(call: object) -> object:
        with pytest.raises(TickhouseError) as raised:
            call()
        return raised.value.code

    third = Adjustment(1, 10 * DAY, 0, 3, 1)
    frame = bars((1, 0, 2**62, 1))
    assert code(lambda: adjustment.apply(frame, [third], SCALES)) is MarketCode.ADJUSTMENT_INEXACT
    assert code(lambda: adjustment.apply(frame, [COCOS], SCALES)) is MarketCode.MARKET_NUMBER_RANGE
    assert code(lambda: Adjustment(1, 0, 0, 0, 1)) is MarketCode.ADJUSTMENT_BAD
    books = frame.with_columns(bids=pl.lit(1))
    assert code(lambda: adjustment.apply(books, [COCOS], SCALES)) is MarketCode.ADJUSTMENT_UNSUITED


_ratio = st.sampled_from([(1, 1000), (10, 1), (1, 100), (4, 1), (1, 8), (5, 2), (1, 1)])
_changes = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 99), _ratio), max_size=6)
_rows = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 100), st.integers(0, 10**6), st.integers(0, 10**6)))


@given(_changes, _rows)
def test_exact_undone_and_the_same_twice(changes: list, rows: list) -> None:
    made = [Adjustment(instrument, ts, 0, *ratio) for instrument, ts, ratio in changes]
    factors = adjustment.in_force(made)
    frame = bars(*rows)
    once = adjustment.apply(frame, factors, SCALES)
    assert adjustment.apply(once, factors, SCALES).equals(once)
    assert adjustment.revert(once, SCALES).equals(frame)
    for raw, row in zip(frame.iter_rows(named=True), once.iter_rows(named=True), strict=True):
        scales = SCALES[raw["instrument"]]
        ratio = adjustment.ratio_at(factors, raw["instrument"], raw["ts_event"])
        price = Fraction(raw["close"], 10**scales.price) / ratio
        qty = Fraction(raw["volume"], 10**scales.qty) * ratio
        assert Fraction(row["close"], 10 ** row["price_scale"]) == price
        assert Fraction(row["volume"], 10 ** row["qty_scale"]) == qty
        assert Fraction(row["numerator"], row["denominator"]) == ratio


@given(_changes, _rows, st.integers(0, 100))
def test_several_compose(changes: list, rows: list, cut: int) -> None:
    """What was adjusted as of an earlier time and is adjusted again agrees with adjusting at once."""
    factors = adjustment.in_force([Adjustment(instrument, ts, 0, *ratio) for instrument, ts, ratio in changes])
    frame = bars(*rows)
    early = adjustment.apply(frame, [item for item in factors if item.ts_event <= cut], SCALES)
    assert adjustment.apply(early, factors, SCALES).equals(adjustment.apply(frame, factors, SCALES))

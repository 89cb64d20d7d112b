from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.clock import TOLERANCE_NS, ClockOffset, measure
from venues.errors import VenueCode

MS = 1_000_000


@given(
    offset=st.integers(-10_000 * MS, 10_000 * MS),
    travels=st.lists(st.tuples(st.integers(0, 3_000 * MS), st.integers(0, 3_000 * MS)), min_size=3, max_size=3),
)
def test_the_true_offset_lies_within_the_bound(offset: int, travels: list[tuple[int, int]]) -> None:
    now = 1_700_000_000_000_000_000
    left = iter(travels)

    async def venue_time() -> int:
        nonlocal now
        there, back = next(left)
        now += there
        told = now + offset
        now += back
        return told

    found = asyncio.run(measure(venue_time, lambda: now))
    assert found is not None
    assert abs(found.offset_ns - offset) <= found.bound_ns + 1
    assert found.bound_ns == min(there + back for there, back in travels) // 2
    if abs(offset) <= TOLERANCE_NS - 1:
        assert found.skew is None, "never an alarm where the clocks agree"


def test_a_venue_that_does_not_tell() -> None:
    async def silent() -> None:
        return None

    assert asyncio.run(measure(silent)) is None


@pytest.mark.parametrize(("offset", "side"), [(2_500 * MS, "behind"), (-2_500 * MS, "ahead")])
def test_what_is_said(offset: int, side: str) -> None:
    assert ClockOffset(offset, 2_000 * MS).skew is None, "it may all be travel time"
    skew = ClockOffset(offset, 10 * MS).skew
    assert skew is not None
    assert skew.code is VenueCode.CLOCK_SKEW
    assert skew.context == {"ours": side, "by_s": 2.5}

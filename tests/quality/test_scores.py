"""Scores of a day: what counts as there, as accurate, as on time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.scores import GOAL, InstrumentDay, score
from store.ingest_log import IngestState

COMPLETE, EMPTY, PARTIAL, MISSING, QUARANTINED = (
    IngestState.COMPLETE, IngestState.VERIFIED_EMPTY, IngestState.PARTIAL, IngestState.MISSING, IngestState.QUARANTINED
)


def day(state=COMPLETE, rows=1440, expected=1440, lacking=0, accused=0, on_time=True):
    return InstrumentDay(state, rows, expected, lacking, accused, on_time)


@pytest.mark.parametrize(("one", "share"), [
    (day(), 1.0), (day(EMPTY, 0), 1.0), (day(MISSING, 0), 0.0), (day(QUARANTINED), 0.0),
    (day(PARTIAL, 1296), 0.9), (day(PARTIAL, 90, 0, 10), 0.9), (day(PARTIAL, 2000), 1.0), (day(PARTIAL, 0, 0), 0.0),
])
def test_what_readers_can_have_of_an_instrument(one, share):
    assert one.share == pytest.approx(share)


def test_a_missing_instrument_weighs_as_much_as_a_large_one():
    found = score([day(rows=1_000_000, expected=0), day(MISSING, 0, on_time=False)])
    assert (found.completeness, found.timeliness, found.instruments) == (0.5, 0.5, 2)
    assert not found.goal_met


def test_the_goal_is_above_three_nines():
    assert score([day()]).goal_met
    assert not score([day(PARTIAL, 999, 1000)]).goal_met
    assert score([day(PARTIAL, 9_999, 10_000)]).goal_met
    assert GOAL == 0.999


def test_accused_rows_take_from_accuracy_and_never_more_than_there_are():
    assert score([day(rows=1000, accused=10), day(rows=1000)]).accuracy == pytest.approx(0.995)
    assert score([day(QUARANTINED, rows=3, accused=999)]).accuracy == 0.0


def test_nothing_expected_is_all_there():
    assert score([]) == score([])
    assert score([]).completeness == score([]).accuracy == score([]).timeliness == 1.0


@given(st.lists(st.builds(
    InstrumentDay, st.sampled_from(IngestState), *(st.integers(0, 10**6) for _ in range(4)), on_time=st.booleans()
)))
def test_scores_are_shares_of_one(days):
    found = score(days)
    assert all(0.0 <= value <= 1.0 for value in (found.completeness, found.accuracy, found.timeliness))

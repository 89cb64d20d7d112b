"""The purged split: no label of one part looks into another."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from research import split


@st.composite
def intervals(draw):
    rows = draw(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 500)), min_size=1, max_size=200))
    starts = np.array([start for start, _ in rows], dtype=np.int64)
    return starts, starts + np.array([length for _, length in rows], dtype=np.int64)


@settings(max_examples=200, deadline=None)
@given(intervals(), st.integers(0, 200))
def test_no_interval_of_one_part_touches_a_later_part(sample, embargo):
    starts, ends = sample
    found = split.purged(starts, ends, embargo_ns=embargo)
    parts = [found.train, found.validation, found.test]
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    for earlier, later in [(0, 1), (0, 2), (1, 2)]:
        if len(parts[earlier]) and len(parts[later]):
            assert ends[parts[earlier]].max() + embargo < starts[parts[later]].min()


def test_only_rows_across_a_cut_are_dropped():
    starts = np.arange(1000, dtype=np.int64)
    found = split.purged(starts, starts + 10, validation_share=0.2, test_share=0.2)
    assert (len(found.train), len(found.validation), len(found.test)) == (590, 190, 200)


def test_empty():
    none = np.zeros(0, dtype=np.int64)
    assert len(split.purged(none, none).test) == 0

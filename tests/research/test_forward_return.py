"""The label: by hand, against a slow twin, and the same in one go as in pieces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.events import Kind, empty
from research.labels import forward_return as label

S = 1_000_000_000


def trades(rows):
    events = empty(len(rows))
    for event, (number, (ts, price)) in zip(events, enumerate(rows), strict=True):
        event["ts_event"], event["price"], event["seq"], event["kind"] = ts, price, number, Kind.TRADE
    return events


def slow_twin(rows, horizon):
    """Each label by looking at every trade."""
    last = rows[-1][0]
    found = []
    for ts, price in rows:
        if last > ts + horizon:
            end = [p for t, p in rows if t <= ts + horizon][-1]
            found.append(math.log(end / price))
    return found


def test_takes_the_last_price_at_or_before_the_horizon():
    rows = [(0, 100), (59 * S, 101), (60 * S, 102), (60 * S, 103), (61 * S, 50)]
    state, found = label.update(label.fresh(), trades(rows))
    assert found.value.tolist() == [math.log(103 / 100)]
    assert found.ts_known.tolist() == [60 * S]
    assert len(state) == 4


def test_waits_while_another_trade_may_come_at_the_horizon():
    _, found = label.update(label.fresh(), trades([(0, 100), (60 * S, 102)]))
    assert len(found.value) == 0


def test_refuses_disorder():
    with pytest.raises(TickhouseError, match="LABEL_ORDER"):
        label.update(label.fresh(), trades([(5, 100), (4, 100)]))


@st.composite
def tapes(draw):
    gaps = draw(st.lists(st.sampled_from([0, 1, 3, 10, 25]), min_size=1, max_size=60))
    prices = draw(st.lists(st.integers(1, 1000), min_size=len(gaps), max_size=len(gaps)))
    cuts = sorted(draw(st.lists(st.integers(0, len(gaps)), max_size=6)))
    return list(zip(np.cumsum(gaps).tolist(), prices, strict=True)), cuts


@settings(max_examples=150, deadline=None)
@given(tapes())
def test_pieces_equal_one_go_bit_for_bit(tape):
    rows, cuts = tape
    whole_state, whole = label.update(label.fresh(), trades(rows), horizon_ns=20)
    state, values, seqs = label.fresh(), [], []
    events = trades(rows)
    for start, stop in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        state, part = label.update(label.state_from_bytes(state.tobytes()), events[start:stop], horizon_ns=20)
        values += part.value.tolist()
        seqs += part.seq.tolist()
    assert values == whole.value.tolist()
    assert seqs == whole.seq.tolist()
    assert state.tobytes() == whole_state.tobytes()
    assert whole.value.tolist() == pytest.approx(slow_twin(rows, 20))

"""The kernel that groups trades agrees with the plain way of saying it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market.events import empty, picked
from streaming.kernels import newest

LIVES = 4


def trades_of(lives):
    trades = empty(len(lives))
    trades["instrument"] = lives
    trades["seq"] = trades["ts_event"] = np.arange(1, len(lives) + 1)
    return trades


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, LIVES), st.booleans()), min_size=1, max_size=40))
def test_the_newest_trade_of_each_instrument(rows):
    trades = trades_of([life for life, _ in rows])
    index = np.array([at for at, (_, taken) in enumerate(rows) if taken], dtype=np.int64)
    count, size = len(index), len(rows)
    if not count:
        return
    features = np.random.default_rng(0).normal(size=(count, 3))
    slots = np.arange(-1, LIVES, dtype=np.int64)
    last, last_ts = np.zeros(LIVES, dtype=np.int64), np.zeros(LIVES, dtype=np.int64)
    order, heads = np.zeros(size, dtype=np.int64), np.zeros((size, 4), dtype=np.int64)
    best, volatility = np.zeros((size, 3)), np.zeros(size)
    groups = newest(
        trades, index, count, slots, features, np.array([0, 2]), last, last_ts, order, heads, best, volatility
    )
    lives = sorted({int(trades[at]["instrument"]) for at in index})
    assert heads[:groups, 0].tolist() == lives
    start = 0
    for at, life in enumerate(lives):
        places = [place for place in index.tolist() if trades[place]["instrument"] == life]
        end = int(heads[at, 3])
        assert order[start:end].tolist() == places, "oldest first"
        row = features[index.tolist().index(places[-1])]
        assert heads[at, 1:3].tolist() == [places[-1] + 1] * 2
        assert np.array_equal(best[at], row)
        assert volatility[at] == max(row[0], row[2])
        assert last[life - 1] == last_ts[life - 1] == places[-1] + 1
        start = end
    assert start == count


def test_picked_events_are_copies():
    trades = trades_of([1, 2, 3])
    head, some = picked(trades, slice(2)), picked(trades, np.array([2, 0]))
    trades["instrument"] = 9
    assert head["instrument"].tolist() == [1, 2]
    assert some["instrument"].tolist() == [3, 1]
    assert head.dtype == some.dtype == trades.dtype

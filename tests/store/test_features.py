"""The offline feature store: vectors and the kernels' states come back bit for bit."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from store import features
from store.features import FeatureState, matrix, vectors

DAY = 1_767_225_600_000_000_000


def frame(rows):
    n = len(rows)
    keys = {"instrument": [1] * n, "ts_event": [DAY + i for i in range(n)], "seq": list(range(n))}
    return pl.DataFrame(keys | {"ts_known": [DAY + i for i in range(n)]}).with_columns(vectors(rows))


@pytest.mark.stack
def test_vectors_come_back_bit_for_bit(clickhouse):
    rows = np.random.default_rng(1).normal(size=(50, 20))
    rows[0, :3] = np.nan, np.inf, -0.0
    assert features.write(clickhouse, "flow", 1, frame(rows)) == 50
    assert features.write(clickhouse, "flow", 1, frame(rows)) == 50
    features.write(clickhouse, "flow", 2, frame(rows[:1]))
    found = features.read(clickhouse, "flow", 1, [1], DAY, DAY + 100)
    assert found["seq"].to_list() == list(range(50))
    assert matrix(found).tobytes() == rows.tobytes()
    assert matrix(features.read(clickhouse, "flow", 1, [9], DAY, DAY + 100)).shape == (0, 0)


@pytest.mark.stack
def test_the_latest_state_before_a_day(clickhouse):
    states = [FeatureState(1, date(2026, 1, day), DAY + day, day, bytes([0, 255, day])) for day in (1, 2, 4)]
    assert features.save_state(clickhouse, "flow", 1, states) == 3
    assert features.load_state(clickhouse, "flow", 1, 1, date(2026, 1, 1)) is None
    assert features.load_state(clickhouse, "flow", 1, 1, date(2026, 1, 4)) == states[1]
    assert features.load_state(clickhouse, "flow", 2, 1, date(2026, 1, 4)) is None
    again = FeatureState(1, date(2026, 1, 2), DAY, 9, b"new")
    features.save_state(clickhouse, "flow", 1, [again])
    assert features.load_state(clickhouse, "flow", 1, 1, date(2026, 1, 4)) == again
    assert features.save_state(clickhouse, "flow", 1, []) == 0

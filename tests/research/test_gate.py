"""The gate: what it lets through, and that it names every reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from research import gate
from research.statistics import rank_ic, skill

GOOD = gate.Score(rows=10_000, blocks=24, rank_ic=0.05, rank_ic_t=4.0, skill=0.002, prediction_std=1e-5)


def test_a_good_first_model_is_promoted():
    assert gate.decide(GOOD, None).promote


def test_every_reason_is_named():
    bad = gate.Score(rows=10, blocks=1, rank_ic=-0.01, rank_ic_t=-1.0, skill=-0.1, prediction_std=0.0)
    found = gate.decide(bad, GOOD)
    assert not found.promote
    assert len(found.reasons) == 5


def test_the_incumbent_stays_unless_it_is_beaten():
    assert not gate.decide(GOOD, GOOD).promote
    assert gate.decide(replace(GOOD, rank_ic=0.06), GOOD).promote


def test_noise_is_refused_and_signal_is_promoted():
    random = np.random.default_rng(3)
    ts = np.arange(48 * 720, dtype=np.int64) * 5_000_000_000
    outcome = random.normal(size=len(ts))
    noise = random.normal(size=len(ts)) * 0.01
    assert not gate.decide(gate.score(noise, outcome, ts), None).promote
    assert gate.decide(gate.score(0.01 * outcome + noise, outcome, ts), None).promote


def test_a_forecast_that_is_not_finite_counts_as_zero():
    ts = np.arange(100, dtype=np.int64)
    found = gate.score(np.full(100, np.nan), np.ones(100), ts)
    assert (found.skill, found.rank_ic) == (0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=50))
def test_spearman_agrees_with_scipy(pairs):
    left, right = (np.array(side, dtype=np.float64) for side in zip(*pairs, strict=True))
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        assert rank_ic.spearman(left, right) == 0.0
    else:
        assert abs(rank_ic.spearman(left, right) - stats.spearmanr(left, right).statistic) < 1e-9


def test_skill_of_zero_and_of_truth():
    outcome = np.array([1.0, -2.0])
    assert skill.against_zero(np.zeros(2), outcome) == 0.0
    assert skill.against_zero(outcome, outcome) == 1.0

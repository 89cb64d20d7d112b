"""Strategies: when they speak, and that they speak only when their wish has changed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.events import empty
from signals.errors import SignalCode
from signals.features import flow
from signals.strategies import registry
from signals.strategies.ml import Ml
from signals.strategies.momentum import Momentum
from signals.strategies.protocol import View

RETURN = flow.NAMES.index("ret_10s")
SPREAD = 1e-4 * math.sqrt(10.0 / math.log(2.0) / 2.0)  # of ret_10s at the volatility below

U = Momentum().units


def view(*, score=0.0, prediction=math.nan, std=0.0, volatility=1e-4, instrument=1, ts=1):
    features = np.zeros(len(flow.NAMES))
    features[RETURN] = score * SPREAD
    return View(instrument, ts, empty(1), features, volatility, prediction, std, "flow v1")


def asked(strategy, views):
    return [None if (target := strategy.decide(one)) is None else target.risk_units for one in views]


def test_momentum_enters_late_and_leaves_later():
    scores = [0.0, 1.4, 1.6, 1.0, 0.3, 0.2, 0.0, -1.6, -0.3, 1.6]
    assert asked(Momentum(), [view(score=s) for s in scores]) == [
        None, None, U, None, None, 0.0, None, -U, None, U,
    ]  # fmt: skip


def test_momentum_keeps_instruments_apart():
    strategy = Momentum()
    assert strategy.decide(view(score=2.0, instrument=1)).risk_units == U
    assert strategy.decide(view(score=-2.0, instrument=2)).risk_units == -U
    assert strategy.decide(view(score=2.0, instrument=1)) is None


@pytest.mark.parametrize("volatility", [0.0, math.nan, -1.0])
@pytest.mark.parametrize("strategy", [Momentum(), Ml()])
def test_nobody_speaks_before_volatility_is_known(strategy, volatility):
    assert strategy.decide(view(score=9.0, prediction=1.0, volatility=volatility)) is None


def test_ml_is_silent_without_a_model():
    assert asked(Ml(), [view(score=5.0)] * 3) == [None] * 3


def test_ml_measures_predictions_by_their_own_spread():
    values = [0.5, 1.5, 0.5, 0.0, -0.5, -1.5, 1.5]
    assert asked(Ml(), [view(prediction=v * 1e-5, std=1e-5) for v in values]) == [
        None, U, None, None, 0.0, -U, U,
    ]  # fmt: skip


def test_ml_falls_back_on_volatility():
    enough = 1e-4 * math.sqrt(60.0) * 1.01
    target = Ml().decide(view(prediction=-enough))
    assert target.risk_units == -U
    assert target.cause.startswith("flow v1 x=-1.01")


@given(st.lists(st.floats(-4, 4), max_size=60), st.sampled_from([Momentum, Ml]))
def test_wishes_are_bounded_and_never_repeated(scores, kind):
    wishes = [w for w in asked(kind(), [view(score=s, prediction=s, std=1.0) for s in scores]) if w is not None]
    assert all(abs(wish) <= 1 for wish in wishes)
    assert all(a != b for a, b in zip([0.0, *wishes], wishes, strict=False))


def test_an_unknown_strategy_is_named():
    with pytest.raises(TickhouseError) as caught:
        registry.create("astrology")
    assert caught.value.code is SignalCode.STRATEGY_UNKNOWN
    assert "momentum" in str(caught.value)

"""Inference: the same answer alone and in company, and refusals."""

import hashlib

import numpy as np
import pytest

from infra.errors import TickhouseError
from signals.errors import SignalCode
from signals.models.predictor import MAX_ROWS, Predictor

WIDTH = 6


@pytest.fixture(scope="module")
def models():
    import lightgbm

    from research.onnx_model import export

    rng = np.random.default_rng(3)
    rows = rng.normal(size=(600, WIDTH))
    target = rows[:, 0] + rows[:, 1] ** 2
    common = {"num_leaves": 7, "verbose": -1, "num_threads": 1}
    regression = lightgbm.train(common, lightgbm.Dataset(rows, target), num_boost_round=20)
    binary = lightgbm.train(
        common | {"objective": "binary"}, lightgbm.Dataset(rows, (target > 1).astype(int)), num_boost_round=20
    )
    return {name: (model, export(model, WIDTH)) for name, model in (("regression", regression), ("binary", binary))}


@pytest.fixture(scope="module")
def rows():
    # Whole float32 numbers: what LightGBM sees and what ONNX sees are then the same.
    return np.random.default_rng(4).normal(size=(MAX_ROWS, WIDTH)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_it_says_what_the_trained_model_says(models, rows, kind):
    booster, model = models[kind]
    wanted = booster.predict(rows) - (0.5 if kind == "binary" else 0.0)
    np.testing.assert_allclose(Predictor(model, WIDTH).predict(rows), wanted, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 7, 64, MAX_ROWS])
def test_company_changes_nothing(models, rows, count):
    predictor = Predictor(models["regression"][1], WIDTH)
    together = predictor.predict(rows[:count])
    alone = [float(predictor.predict(rows[at : at + 1])[0]) for at in range(count)]
    assert together.tolist() == alone


def test_other_bytes_are_refused(models):
    model = models["regression"][1]
    Predictor(model, WIDTH, sha256=hashlib.sha256(model).hexdigest())
    with pytest.raises(TickhouseError) as caught:
        Predictor(model, WIDTH, sha256="0" * 64)
    assert caught.value.code is SignalCode.MODEL_CHANGED


def test_another_width_is_refused(models):
    with pytest.raises(TickhouseError) as caught:
        Predictor(models["regression"][1], WIDTH + 1)
    assert caught.value.code is SignalCode.MODEL_SHAPE

"""Training is repeatable and its ONNX export says the same."""

from __future__ import annotations

import numpy as np
import pytest

from infra.errors import TickhouseError
from research import onnx_model, split, train

SMALL = {"min_data_in_leaf": 200, "learning_rate": 0.1}
NAMES = tuple(f"f{i}" for i in range(6))


@pytest.fixture(scope="module")
def sample():
    random = np.random.default_rng(1)
    features = random.normal(size=(12_000, len(NAMES))).astype(np.float32)
    label = 1e-4 * (0.2 * np.tanh(features[:, 0]) * (features[:, 1] > 0) + random.normal(size=len(features)))
    starts = np.arange(len(features), dtype=np.int64)
    return features, label, split.purged(starts, starts + 20)


@pytest.fixture(scope="module")
def trained(sample):
    features, label, parts = sample
    return train.fit(features, label, NAMES, parts, parameters=SMALL)


def test_the_same_rows_give_the_same_model(sample, trained):
    features, label, parts = sample
    again = train.fit(features, label, NAMES, parts, parameters=SMALL)
    assert again.booster.model_to_string() == trained.booster.model_to_string()
    assert trained.importance["f0"] > trained.importance["f5"]


def test_onnx_says_the_same(sample, trained):
    features, _, parts = sample
    model = onnx_model.export(trained.booster, len(NAMES))
    found = onnx_model.parity(trained.booster, model, features[parts.test])
    assert found.equal
    assert found.max_difference < 1e-3 * found.spread


def test_another_model_is_found_out(sample, trained):
    features, label, parts = sample
    other = train.fit(features, -label, NAMES, parts, parameters=SMALL)
    model = onnx_model.export(other.booster, len(NAMES))
    assert not onnx_model.parity(trained.booster, model, features[parts.test]).equal


def test_one_row_at_a_time_predicts_the_same_bits(sample, trained):
    features, _, parts = sample
    model = onnx_model.export(trained.booster, len(NAMES))
    rows = features[parts.test[:50]]
    single = np.concatenate([onnx_model.predict(model, row[None, :]) for row in rows])
    assert single.tobytes() == onnx_model.predict(model, rows).tobytes()


def test_too_few_rows_are_refused(sample):
    features, label, _ = sample
    few = split.purged(np.arange(500, dtype=np.int64), np.arange(500, dtype=np.int64))
    with pytest.raises(TickhouseError, match="TRAINING_ROWS_TOO_FEW"):
        train.fit(features[:500], label[:500], NAMES, few)


def test_quiet_rows_weigh_more(sample):
    features, label, parts = sample
    noisy = features[:, 5] > 0
    told = np.where(noisy, 2e-3, 1e-4)
    outcome = label + np.where(noisy, np.random.default_rng(2).normal(size=len(label)) * 2e-3, 0.0)

    def skill(volatility):
        fitted = train.fit(features, outcome, NAMES, parts, volatility=volatility, parameters=SMALL)
        return np.corrcoef(fitted.booster.predict(features[parts.test]), label[parts.test])[0, 1]

    assert skill(told) > skill(None)


def test_neighbouring_float32_values_take_the_same_branch_in_onnx():
    # Two values one float32 step apart: the threshold between them has no float32 of its own.
    low = np.float32(0.3)
    values = np.array([low, np.nextafter(low, np.float32(1))], dtype=np.float32)
    random = np.random.default_rng(4)
    features = np.stack([random.choice(values, 9_000), random.normal(size=9_000).astype(np.float32)], axis=1)
    label = np.where(features[:, 0] > low, 1.0, -1.0) + 0.01 * random.normal(size=9_000)
    starts = np.arange(9_000, dtype=np.int64)
    fitted = train.fit(features, label, ("near", "noise"), split.purged(starts, starts), parameters=SMALL)
    found = onnx_model.parity(fitted.booster, onnx_model.export(fitted.booster, 2), features)
    assert found.spread > 0.5
    assert found.equal

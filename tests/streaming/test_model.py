"""The champion in the flow: it predicts, another one takes over, and a replay insists on the same bytes."""

import hashlib
import math

import msgspec
import numpy as np
import pytest

from infra.errors import TickhouseError
from signals.errors import SignalCode
from signals.features import flow
from signals.models.predictor import Predictor
from streaming.engine import Engine
from streaming.replay import read_model, replay
from streaming.start import ModelRef
from tests.streaming.kit import Wish


@pytest.fixture(scope="module")
def refs(tmp_path_factory):
    """Two models on the first three features, in an order of their own."""
    import lightgbm

    from research.onnx_model import export

    names = (flow.NAMES[2], flow.NAMES[0], flow.NAMES[1])
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(400, 3)) * 1e-3
    made = []
    for version, target in ((1, rows[:, 0]), (2, -rows[:, 0])):
        booster = lightgbm.train(
            {"num_leaves": 7, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1},
            lightgbm.Dataset(rows, target), num_boost_round=10,
        )  # fmt: skip
        path = tmp_path_factory.mktemp("model") / "model.onnx"
        path.write_bytes(export(booster, 3))
        made.append(ModelRef("flow", version, str(path), hashlib.sha256(path.read_bytes()).hexdigest(), names, 1e-4))
    return made


@pytest.fixture
def modelled(make_rig, refs, monkeypatch):
    monkeypatch.setattr("signals.strategies.registry.STRATEGIES", {"momentum": Wish})
    rig = make_rig(model=refs[0], read_model=read_model)
    rig.feed()
    return rig


def test_one_prediction_an_instrument_and_wake_up_from_the_newest_row(modelled, refs):
    rig = modelled
    batch = rig.frames(*(rig.trade_frame(i, p) for p in ("100.00", "100.10", "100.05") for i in (1, 2)))
    assert [(p.instrument, p.seq, p.version) for p in batch.predictions] == [(1, 3, 1), (2, 3, 1)]
    model = Predictor(read_model(refs[0]), 3)
    for view, prediction in zip(batch.views, batch.predictions, strict=True):
        row = view.features[[flow.NAMES.index(name) for name in refs[0].names]]
        assert view.prediction == prediction.value == float(model.predict(row[None, :])[0])
        assert (view.model, view.prediction_std) == ("flow v1", 1e-4)


def test_another_champion_takes_over_between_two_wake_ups(modelled, refs):
    rig = modelled
    rig.trade(1)
    rig.control(kind="model", model=msgspec.to_builtins(refs[1]))
    assert rig.trade(1).predictions[0].version == 2
    rig.end()
    assert replay(rig.log.folder, rig.home)[0].identical


def test_without_a_model_the_view_says_so(make_rig):
    rig = make_rig()
    view = rig.trade(1).views[0]
    assert math.isnan(view.prediction)
    assert view.model == ""


def test_a_replay_refuses_other_bytes(modelled, refs):
    rig = modelled
    changed = msgspec.structs.replace(rig.start, model=msgspec.structs.replace(refs[0], path=refs[1].path))
    with pytest.raises(TickhouseError) as caught:
        Engine.build(changed, rig.oms, read_model)
    assert caught.value.code is SignalCode.MODEL_CHANGED

"""Training set, model and champion on a market with something to learn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assets import training
from assets.resources import Tracking
from research import train
from research.labels import forward_return
from signals.features import registry
from signals.models.predictor import Predictor
from store import champion, instruments, labels
from store.redis_state import model_key
from tests.assets.conftest import failure
from tests.assets.tape import DAY_NS, DAYS, FIRST, day_ns

pytestmark = pytest.mark.stack

MODELS = ("training_set", "model_flow", "champion")


@pytest.fixture
def learned(batch, redis, monkeypatch):
    """A batch with three days of trades, features and labels; small leaves, because the sample is small."""
    monkeypatch.setitem(train.PARAMETERS, "min_data_in_leaf", 100)
    batch.tape.trades_a_day = 2_000
    assert batch.run("binance/trades", first=DAYS[0], last=DAYS[-1]).success
    assert batch.run("features_flow", "labels_forward_return", first=DAYS[0], last=DAYS[-1]).success
    return batch


def test_a_model_with_skill_becomes_champion_and_an_equal_one_does_not_replace_it(learned, settings, redis):
    first = learned.run(*MODELS)
    assert first.success
    assert {check.check_name: check.passed for check in first.get_asset_check_evaluations()} == {
        "onnx_parity": True, "gate": True,
    }
    served = champion.load(Tracking().home, "flow")
    assert (served.version, served.label, served.names) == (1, forward_return.NAME, registry.get("flow").names)
    assert served.prediction_std > 0
    assert redis.hget(model_key("flow"), "version") == "1"
    predictor = Predictor(served.path.read_bytes(), len(served.names), sha256=served.sha256)
    assert np.isfinite(predictor.predict(np.zeros((1, len(served.names))))).all()

    second = learned.run(*MODELS)
    assert second.success
    gate = next(check for check in second.get_asset_check_evaluations() if check.check_name == "gate")
    assert (gate.passed, gate.severity.value) == (False, "WARN")
    assert "not better than the champion" in gate.metadata["reasons"].value
    assert champion.load(Tracking().home, "flow") == served
    assert Tracking().tracker().latest("flow").version == 2


def test_a_model_that_the_market_turned_against_is_refused_and_nothing_serves(learned, clickhouse):
    # What rose in the days it learns from falls on the last day, on which it is judged.
    last = (day_ns(FIRST) + 2 * DAY_NS, day_ns(FIRST) + 3 * DAY_NS)
    for instrument in (1, 2):
        frame = labels.read(clickhouse, forward_return.NAME, [instrument], *last)
        labels.write(clickhouse, forward_return.NAME, frame.with_columns(-pl.col("value")))
    result = learned.run(*MODELS)
    gate = next(check for check in result.get_asset_check_evaluations() if check.check_name == "gate")
    assert (gate.passed, gate.severity.value) == (False, "ERROR")
    assert "rank IC not above zero" in gate.metadata["reasons"].value
    assert champion.load(Tracking().home, "flow") is None


def test_the_training_set_knows_only_what_was_known_on_its_last_day(learned, clickhouse):
    group = registry.get("flow")
    lives = [life.id for life in instruments.load(clickhouse)]
    last = training.last_day(clickhouse, group)
    frame = training.assemble(clickhouse, group, forward_return.NAME, lives, last)
    end = day_ns(last) + DAY_NS
    assert last.isoformat() == DAYS[-1]
    assert frame["ts_known"].max() <= end
    assert frame["ts_event"].is_sorted()
    earlier = training.assemble(clickhouse, group, forward_return.NAME, lives, last, days=1)
    assert earlier["ts_event"].min() >= day_ns(last)
    assert earlier.height < frame.height


def test_without_features_the_error_says_what_to_do(batch, redis):
    assert "TRAINING_DATA_MISSING" in failure(batch.run("training_set"))

"""Features and labels: days apart equal one go, and a hole in the chain of days is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from research.labels import forward_return
from signals.features import registry
from store import features, labels, trades
from tests.assets.conftest import failure
from tests.assets.tape import DAY_NS, DAYS, FIRST, day_ns

pytestmark = pytest.mark.stack

SPAN = (day_ns(FIRST), day_ns(FIRST) + 3 * DAY_NS)
DERIVED = ("features_flow", "labels_forward_return")


def held(client):
    """All features of an instrument as bytes, and all labels."""
    vectors = features.matrix(features.read(client, "flow", 1, [1], *SPAN))
    return vectors.tobytes(), labels.read(client, forward_return.NAME, [1], *SPAN)["value"].to_numpy().tobytes()


@pytest.mark.parametrize("batch_of_days", [[DAYS], [[DAYS[0]], [DAYS[1]], [DAYS[2]]], [DAYS[:2], [DAYS[2]]]])
def test_days_apart_equal_one_go_to_the_bit(batch, clickhouse, batch_of_days):
    assert batch.run("binance/trades", first=DAYS[0], last=DAYS[-1]).success
    for days in batch_of_days:
        assert batch.run(*DERIVED, first=days[0], last=days[-1]).success
    events = trades.events(clickhouse, [1], *SPAN)
    group = registry.get("flow")
    rows, index = registry.compute(group, group.state(1), events)
    _, wanted = forward_return.update(forward_return.fresh(), events)
    assert len(index) == len(events) == 3 * batch.tape.trades_a_day
    assert held(clickhouse) == (rows.tobytes(), wanted.value.tobytes())


def test_a_day_again_changes_nothing(batch, clickhouse):
    batch.run("binance/trades", first=DAYS[0], last=DAYS[-1])
    batch.run(*DERIVED, first=DAYS[0], last=DAYS[-1])
    before = held(clickhouse)
    assert batch.run(*DERIVED, first=DAYS[1]).success
    assert held(clickhouse) == before


def test_a_hole_in_the_chain_names_the_day_to_begin_with(batch):
    batch.run("binance/trades", first=DAYS[0], last=DAYS[-1])
    said = failure(batch.run("features_flow", first=DAYS[2]))
    assert f"FEATURE_STATE_MISSING group=flow instrument=1 day={DAYS[2]} first={DAYS[0]}" in said
    batch.run("features_flow", first=DAYS[0])
    assert f"first={DAYS[1]}" in failure(batch.run("features_flow", first=DAYS[2]))


def test_a_day_whose_trades_are_not_complete_is_refused(batch):
    batch.tape.faults["trades"] = lambda rows: np.delete(rows, 7)
    batch.run("binance/trades", first=DAYS[0])
    said = failure(batch.run("features_flow", first=DAYS[0]))
    assert f"DATA_NOT_COMPLETE dataset=trades instrument=1 day={DAYS[0]} state=partial" in said


def test_a_revised_day_tells_how_many_later_days_rest_on_its_old_end(batch):
    batch.run("binance/trades", first=DAYS[0], last=DAYS[-1])
    batch.run("features_flow", first=DAYS[0], last=DAYS[-1])

    def told():
        result = batch.run("features_flow", first=DAYS[0])
        (event,) = result.asset_materializations_for_node("features_flow")
        return event.metadata["days_to_redo"].value

    assert told() == 0

    def dearer(rows):
        rows["price"][-1] += 5
        return rows

    batch.tape.faults["trades"] = dearer
    batch.run("binance/trades", first=DAYS[0], recheck=True)
    assert told() == 2


def test_the_last_minute_of_a_day_is_labelled_with_the_next(batch, clickhouse):
    batch.run("binance/trades", first=DAYS[0], last=DAYS[1])
    batch.run("labels_forward_return", first=DAYS[0])
    day = (day_ns(FIRST), day_ns(FIRST) + DAY_NS)
    before = labels.read(clickhouse, forward_return.NAME, [1], *day).height
    batch.run("labels_forward_return", first=DAYS[1])
    assert (before, labels.read(clickhouse, forward_return.NAME, [1], *day).height) == (499, 500)

"""The flow features: the same in any chunks, finite whatever comes, and meaning what their names say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.events import Events, Kind, Side, empty
from signals.features import registry
from signals.features.errors import FeatureCode

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
T0 = 1_700_000_000 * SECOND
GROUP = registry.get("flow")
COLUMN = {name: at for at, name in enumerate(GROUP.names)}
Row = tuple[int, int, int, Side]


def trades(rows: list[Row], instrument: int = 1) -> Events:
    """TRADE events from (step in ns, price, qty, aggressor)."""
    out = empty(len(rows))
    ts = T0
    for at, (step, price, qty, side) in enumerate(rows):
        ts += step
        out[at] = (ts, ts, price, qty, at, 0, instrument, Kind.TRADE, side, 2)
    return out


def compute(rows: list[Row]) -> np.ndarray:
    return registry.compute(GROUP, GROUP.state(1), trades(rows))[0]


steps = st.one_of(
    st.just(0), st.integers(1, 5 * SECOND), st.integers(DAY, 3000 * DAY), st.integers(-5 * SECOND, -1)
)
rows = st.lists(
    st.tuples(steps, st.integers(1, 10**12), st.one_of(st.just(0), st.integers(1, 10**15)), st.sampled_from(Side)),
    max_size=40,
)


@given(rows, st.lists(st.integers(0, 40), max_size=6))
def test_any_chunks_give_the_same_bits(part: list[Row], cuts: list[int]) -> None:
    events = trades(part)
    state = GROUP.state(1)
    whole, index = registry.compute(GROUP, state, events)
    again = GROUP.state(1)
    pieces = [
        registry.compute(GROUP, again, piece)[0]
        for piece in np.split(events, sorted(min(cut, len(events)) for cut in cuts))
    ]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    assert again.tobytes() == state.tobytes()
    assert index.tolist() == list(range(len(events)))


@given(rows)
def test_rows_are_finite_and_bounded(part: list[Row]) -> None:
    made = compute(part)
    assert np.isfinite(made).all()
    for name in ("imbalance_5s", "imbalance_60s", "imbalance_600s", "rsi_60s", "sign_persist", "tod_sin", "tod_cos"):
        assert (np.abs(made[:, COLUMN[name]]) <= 1 + 1e-9).all()
    assert (np.abs(made[:, COLUMN["size_z"]]) <= 8).all()


@given(rows, st.lists(st.integers(0, 40), max_size=4))
def test_a_stored_state_goes_on_where_it_ended(part: list[Row], cuts: list[int]) -> None:
    events = trades(part)
    state = GROUP.state(1)
    made = []
    for piece in np.split(events, sorted(min(cut, len(events)) for cut in cuts)):
        state = registry.state_from_bytes(GROUP, 1, state.tobytes())
        made.append(registry.compute(GROUP, state, piece)[0])
    assert np.concatenate(made).tobytes() == compute(part).tobytes()


@given(st.lists(st.tuples(st.integers(0, 5 * SECOND), st.integers(10**5, 10**6), st.integers(1, 10**6),
                          st.sampled_from([Side.BUY, Side.SELL])), min_size=1, max_size=30))
def test_rows_do_not_depend_on_the_units(part: list[Row]) -> None:
    other = [(step, price * 100, qty * 1000, side) for step, price, qty, side in part]
    np.testing.assert_allclose(compute(other), compute(part), rtol=1e-6, atol=1e-7)


def test_mixed_instruments_get_the_rows_they_get_alone() -> None:
    rng = np.random.default_rng(5)
    part = [(int(rng.integers(0, SECOND)), int(rng.integers(900, 1100)), int(rng.integers(0, 9)), Side.BUY)
            for _ in range(300)]
    events = trades(part)
    events["instrument"] = rng.integers(1, 5, len(events))
    events["kind"][::7] = Kind.QUOTE
    slots = np.array([-1, 0, -1, 1], dtype=np.int64)  # 2 and 4 are nobody's
    states = np.stack([GROUP.state(1), GROUP.state(3)])
    made, index = np.empty((300, 20)), np.empty(300, dtype=np.int64)
    count = GROUP.update_many(states, slots, events, made, index)
    for slot, instrument in ((0, 1), (1, 3)):
        mine = events["instrument"][index[:count]] == instrument
        state = GROUP.state(instrument)
        alone, _ = registry.compute(GROUP, state, events[events["instrument"] == instrument])
        assert made[:count][mine].tobytes() == alone.tobytes()
        assert states[slot].tobytes() == state.tobytes()


def test_the_first_trade_says_nothing_yet() -> None:
    row = compute([(0, 1000, 5, Side.BUY)])[0]
    for name in ("ret_1s", "ret_600s", "vol_30s", "vwap_dev_60s", "rsi_60s", "size_z", "sign_persist"):
        assert row[COLUMN[name]] == 0.0
    assert row[COLUMN["imbalance_5s"]] == 1.0


def test_returns_follow_the_price_and_fade() -> None:
    still = [(SECOND, 1000, 1, Side.BUY)] * 30
    made = compute([*still, (0, 1010, 1, Side.BUY), (10 * SECOND, 1010, 1, Side.BUY)])
    jump, later = made[30], made[31]
    assert jump[COLUMN["ret_1s"]] == pytest.approx(math.log(1.01))
    assert later[COLUMN["ret_10s"]] == pytest.approx(math.log(1.01) / 2)
    assert later[COLUMN["ret_1s"]] < later[COLUMN["ret_10s"]] < later[COLUMN["ret_60s"]]
    assert jump[COLUMN["rsi_60s"]] == pytest.approx(1.0)
    assert jump[COLUMN["vol_30s"]] > made[29][COLUMN["vol_30s"]]
    assert 0 < jump[COLUMN["vwap_dev_60s"]] < math.log(1.01)


def test_flow_follows_the_aggressor() -> None:
    made = compute([(SECOND, 1000, 1, Side.BUY)] * 20 + [(SECOND, 1000, 3, Side.SELL)] * 5)
    imbalance = made[:, COLUMN["imbalance_5s"]]
    assert imbalance[19] == pytest.approx(1.0)
    assert (np.diff(imbalance[19:]) < 0).all()
    assert imbalance[24] < 0 < made[24, COLUMN["imbalance_600s"]]
    assert made[19, COLUMN["sign_persist"]] == pytest.approx(1.0)
    assert made[20, COLUMN["sign_persist"]] < 1.0
    assert compute([(SECOND, 1000, 5, Side.NONE)] * 5)[-1, COLUMN["imbalance_5s"]] == 0.0


def test_intensity_and_size_stand_out_against_the_usual() -> None:
    rng = np.random.default_rng(1)
    usual = [(10 * SECOND, 1000, int(rng.integers(90, 110)), Side.BUY) for _ in range(500)]
    burst = [(SECOND // 10, 1000, 100, Side.BUY)] * 30
    made = compute([*usual, *burst, (10 * SECOND, 1000, 10_000, Side.BUY)])
    assert made[529, COLUMN["intensity_10s"]] > made[499, COLUMN["intensity_10s"]] + 1
    assert made[530, COLUMN["size_z"]] == 8.0
    assert abs(made[499, COLUMN["size_z"]]) < 3


def test_days_of_silence_are_forgotten_and_not_feared() -> None:
    noisy = [(SECOND, 1000 + at % 7, 1 + at % 3, Side(1 + at % 2)) for at in range(200)]
    row = compute([*noisy, (30 * DAY, 2000, 4, Side.SELL)])[-1]
    assert np.isfinite(row).all()
    assert row[COLUMN["imbalance_600s"]] == pytest.approx(-1.0)
    assert row[COLUMN["ret_600s"]] == pytest.approx(math.log(2000 / noisy[-1][1]))
    assert row[COLUMN["vwap_dev_600s"]] == pytest.approx(0.0, abs=1e-9)


def test_trades_without_quantity_or_price_do_no_harm() -> None:
    usual = [(SECOND, 1000, 5, Side.BUY)] * 10
    with_zero = compute([*usual, (0, 1000, 0, Side.SELL)])
    assert with_zero[-1, COLUMN["imbalance_5s"]] == pytest.approx(1.0)
    assert with_zero[-1, COLUMN["size_z"]] == 0.0
    state = GROUP.state(1)
    assert len(registry.compute(GROUP, state, trades([(0, 0, 5, Side.BUY)]))[0]) == 0
    assert state.tobytes() == GROUP.state(1).tobytes()


def test_time_of_day() -> None:
    to_midnight = DAY - T0 % DAY
    made = compute([(to_midnight, 1000, 1, Side.BUY), (DAY // 4, 1000, 1, Side.BUY)])
    assert made[:, [COLUMN["tod_sin"], COLUMN["tod_cos"]]] == pytest.approx(np.array([[0, 1], [1, 0]]), abs=1e-12)


def test_the_registry_says_what_it_has() -> None:
    assert registry.names() == ("flow",)
    assert len(GROUP.names) == len(set(GROUP.names)) == 20
    with pytest.raises(TickhouseError) as raised:
        registry.get("fow")
    assert raised.value.code is FeatureCode.FEATURE_GROUP_UNKNOWN
    with pytest.raises(TickhouseError) as raised:
        registry.state_from_bytes(GROUP, 1, b"12345678")
    assert raised.value.code is FeatureCode.FEATURE_STATE_WRONG

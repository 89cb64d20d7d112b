"""The daily factors: the same in any chunks, and equal to plain polars expressions of the same formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.bench import plain
from infra.errors import TickhouseError
from market import bars as market_bars
from market.bars import Bars
from market.instrument import Instrument, InstrumentKind
from signals.features import registry
from signals.features.errors import FeatureCode

DAY = 86_400_000_000_000
LIFE = Instrument(
    id=1, venue="sim", symbol="ABC/USDT", venue_symbol="ABCUSDT", kind=InstrumentKind.SPOT, base="ABC", quote="USDT",
    settle="USDT", price_scale=2, qty_scale=3, contract_size=10**8, valid_from=0,
)
UNIT = 1e-5
GROUP = registry.bar_group("daily")
COLUMN = {name: at for at, name in enumerate(GROUP.names)}


def walk(count: int, seed: int, *, deviation: float = 0.03, quiet: float = 0.0, instrument: int = 1) -> Bars:
    """Daily bars of a seeded walk; a share `quiet` of them has no volume."""
    rng = np.random.default_rng(seed)
    out = market_bars.empty(count)
    price = np.rint(1e6 * np.exp(np.cumsum(rng.normal(0, deviation, count)))).astype(np.int64) + 1000
    out["close"] = price
    out["open"] = np.concatenate([price[:1], price[:-1]])
    out["high"] = np.maximum(out["open"], price) + rng.integers(0, 5000, count)
    out["low"] = np.minimum(out["open"], price) - rng.integers(0, 500, count)
    out["volume"] = np.where(rng.random(count) < quiet, 0, rng.integers(1, 10**9, count))
    out["ts_event"] = np.arange(count) * DAY
    out["ts_known"] = out["ts_event"] + DAY
    out["instrument"], out["interval_s"], out["count"] = instrument, 86_400, -1
    return out


def compute(bars: Bars) -> np.ndarray:
    return registry.compute_bars(GROUP, GROUP.state(LIFE), bars)[0]


def frame(bars: Bars) -> pl.DataFrame:
    return pl.DataFrame({name: np.ascontiguousarray(bars[name]) for name in market_bars.BAR.names})


bar_row = st.tuples(
    st.integers(-1, 3), st.integers(-5, 10**12), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-1, 10**15)
)


@given(st.lists(bar_row, max_size=130), st.lists(st.integers(0, 130), max_size=8))
def test_any_chunks_give_the_same_bits(rows: list[tuple[int, ...]], cuts: list[int]) -> None:
    bars = market_bars.empty(len(rows))
    day = 0
    for at, (step, low, up, body, volume) in enumerate(rows):
        day += step
        bars[at]["ts_event"], bars[at]["low"], bars[at]["high"] = day * DAY, low, low + up
        bars[at]["close"], bars[at]["volume"] = low + min(up, body), volume
    state = GROUP.state(LIFE)
    whole, index = registry.compute_bars(GROUP, state, bars)
    again, made, taken = GROUP.state(LIFE), [], []
    edges = sorted(min(cut, len(bars)) for cut in cuts)
    for start, piece in zip([0, *edges], np.split(bars, edges), strict=True):
        again = registry.bar_state_from_bytes(GROUP, LIFE, again.tobytes())
        part, places = registry.compute_bars(GROUP, again, piece)
        made.append(part)
        taken += (places + start).tolist()
    assert np.concatenate(made).tobytes() == whole.tobytes()
    assert again.tobytes() == state.tobytes()
    assert index.tolist() == taken
    assert not np.isinf(whole).any()


@given(
    st.integers(1, 400), st.integers(0, 2**32), st.sampled_from([0.002, 0.03, 0.2]), st.sampled_from([0.0, 0.2, 0.97])
)
def test_they_equal_plain_expressions(count: int, seed: int, deviation: float, quiet: float) -> None:
    bars = walk(count, seed, deviation=deviation, quiet=quiet)
    wanted = plain.factors(frame(bars), UNIT).select(GROUP.names).to_numpy()
    np.testing.assert_allclose(compute(bars), wanted.astype(float), rtol=1e-9, atol=1e-9)


def test_mixed_instruments_get_the_rows_they_get_alone() -> None:
    bars = np.concatenate([walk(90, 1, instrument=1), walk(70, 2, instrument=2), walk(80, 3, instrument=5)])
    bars = bars[np.argsort(bars["ts_event"], kind="stable")]
    slots = np.array([-1, 0, -1, -1, -1, 1], dtype=np.int64)  # 2 is nobody's
    states = np.stack([GROUP.state(LIFE)] * 2)
    rows, index = np.empty((len(bars), 14)), np.empty(len(bars), dtype=np.int64)
    made = GROUP.update_many(states, slots, bars, rows, index)
    for instrument in (1, 5):
        mine = bars["instrument"][index[:made]] == instrument
        assert rows[:made][mine].tobytes() == compute(bars[bars["instrument"] == instrument]).tobytes()


def test_a_number_is_there_from_its_first_full_window_on() -> None:
    first = {name: int(np.isfinite(compute(walk(100, 4))[:, at]).argmax()) for name, at in COLUMN.items()}
    assert first == {
        "range": 0, "ret_1": 1, "ret_5": 5, "ret_20": 20, "ret_60": 60, "vol_20": 20, "vol_60": 60, "rsi_14": 14,
        "ma_ratio_10_30": 29, "volume_ratio_20": 19, "vwap_dist_20": 19, "skew_20": 20, "drawdown_60": 59,
        "amihud_20": 20,
    }


def test_factors_mean_what_they_say() -> None:
    bars = walk(80, 5)
    bars["close"] = 1_000_000 * 1.01 ** np.arange(80)
    bars["close"][-1] = bars["close"][-2] // 2
    bars["high"], bars["low"], bars["volume"] = bars["close"], bars["close"], 1_000_000
    before, last = compute(bars)[-2:]
    assert before[COLUMN["ret_20"]] == pytest.approx(20 * math.log(1.01), rel=1e-4)
    assert before[COLUMN["rsi_14"]] == pytest.approx(100.0)
    assert before[COLUMN["drawdown_60"]] == 0.0
    assert before[COLUMN["volume_ratio_20"]] == 1.0
    assert before[COLUMN["ma_ratio_10_30"]] > 0 < before[COLUMN["vwap_dist_20"]]
    assert before[COLUMN["range"]] == 0.0
    # 1,000.000 coins at about 21,000 a day: a hundredth's move costs 1e-2 / 21 a million.
    assert before[COLUMN["amihud_20"]] == pytest.approx(math.log(1.01) / 19.6, rel=0.02)
    assert last[COLUMN["ret_1"]] == pytest.approx(-math.log(2), rel=1e-4)
    assert last[COLUMN["drawdown_60"]] == pytest.approx(-0.5, rel=1e-4)
    assert last[COLUMN["skew_20"]] < -4
    assert last[COLUMN["vol_20"]] > 0.1 > before[COLUMN["vol_20"]]


def test_factors_but_illiquidity_do_not_depend_on_the_units() -> None:
    bars, other = walk(120, 6), walk(120, 6)
    for name in ("open", "high", "low", "close"):
        other[name] *= 1000
    other["volume"] *= 10
    assert np.delete(compute(other), 13, axis=1) == pytest.approx(np.delete(compute(bars), 13, axis=1), nan_ok=True)
    rescaled = replace(LIFE, price_scale=5, qty_scale=4)
    same = registry.compute_bars(GROUP, GROUP.state(rescaled), other)[0]
    assert same[:, 13] == pytest.approx(compute(bars)[:, 13], nan_ok=True)


def test_an_inverse_contract_trades_its_quote_currency() -> None:
    inverse = replace(LIFE, kind=InstrumentKind.INVERSE, qty_scale=0, contract_size=100 * 10**8)
    bars = walk(40, 7)
    bars["volume"] = 500
    rows = registry.compute_bars(GROUP, GROUP.state(inverse), bars)[0]
    moves = np.abs(np.diff(np.log(bars["close"])))
    assert rows[-1, COLUMN["amihud_20"]] == pytest.approx(moves[-20:].mean() / 0.05)


def test_impossible_and_repeated_bars_are_not_taken() -> None:
    bars = walk(70, 8)
    bad = np.concatenate([bars[:30], bars[29:30], bars[10:11], bars[30:]])
    bad[31]["ts_event"] = bars[10]["ts_event"]
    poisoned = bars[40:41].copy()
    poisoned["low"], poisoned["ts_event"] = 0, poisoned["ts_event"] - 1
    bad = np.concatenate([bad[:42], poisoned, bad[42:]])
    rows, index = registry.compute_bars(GROUP, GROUP.state(LIFE), bad)
    assert rows.tobytes() == compute(bars).tobytes()
    assert not {30, 31, 42} & set(index.tolist())


def test_the_registry_knows_groups_of_bars() -> None:
    assert registry.bar_names() == ("daily",)
    assert len(GROUP.names) == len(set(GROUP.names)) == 14
    with pytest.raises(TickhouseError) as raised:
        registry.bar_group("flow")
    assert raised.value.code is FeatureCode.FEATURE_GROUP_UNKNOWN
    with pytest.raises(TickhouseError) as raised:
        registry.bar_state_from_bytes(GROUP, LIFE, b"12345678")
    assert raised.value.code is FeatureCode.FEATURE_STATE_WRONG

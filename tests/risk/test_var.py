import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from risk import var
from risk.errors import RiskCode
from risk.returns import compound
from risk.var import cornish_fisher, historical, parametric

pytestmark = pytest.mark.xdist_group("risk_report")  # riskfolio costs 8 s to import: one worker pays
RECORDINGS = os.environ.get("TICKHOUSE_RECORDINGS")
needs_recordings = pytest.mark.skipif(not RECORDINGS, reason="TICKHOUSE_RECORDINGS names no folder of recordings")


def _rows(name):
    with (Path(RECORDINGS or "") / name).open() as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def edhec():
    head, *rows = _rows("braverock+PerformanceAnalytics/derived/edhec.csv")
    return dict(zip(head[1:], np.array([row[1:] for row in rows], dtype=float).T, strict=True))


@pytest.mark.recordings
@needs_recordings
def test_parametric_agrees_with_lean_on_spy_to_the_last_digit():
    head, *rows = _rows("QuantConnect+Lean/Tests/TestData/spy_valueatrisk.csv")
    returns = np.array([float(row[head.index("returns")] or "nan") for row in rows])
    compared = 0
    for end in range(252, len(rows), 97):
        window = returns[end - 251 : end + 1]
        for column, confidence in (("VaR_99", 0.99), ("VaR_95", 0.95), ("VaR_90", 0.90)):
            expected = rows[end][head.index(column)]
            if expected:
                assert -parametric.figure(window, confidence, 1).value_at_risk == pytest.approx(
                    float(expected), abs=1e-9
                )
                compared += 1
    assert compared > 150


@pytest.mark.recordings
@needs_recordings
@pytest.mark.parametrize(
    ("name", "at_95", "at_99"),
    [
        # PerformanceAnalytics: VaR(edhec, p = 0.95, method = "modified") and VaR(edhec, p = 0.99), cut after 4 digits
        ("Convertible Arbitrage", 0.0256, 0.0953),
        ("CTA Global", 0.0320, 0.0456),
        ("Distressed Securities", 0.0280, 0.0709),
        ("Emerging Markets", 0.0534, 0.1261),
        ("Equity Market Neutral", 0.0109, 0.0387),
        ("Event Driven", 0.0296, 0.0843),
        ("Fixed Income Arbitrage", 0.0177, 0.0603),
        ("Global Macro", 0.0138, 0.0230),
        ("Long/Short Equity", 0.0295, 0.0565),
        ("Merger Arbitrage", 0.0150, 0.0576),
        ("Relative Value", 0.0173, 0.0488),
        ("Short Selling", 0.0621, 0.1093),
        ("Funds of Funds", 0.0230, 0.0542),
    ],
)
def test_cornish_fisher_agrees_with_performance_analytics(edhec, name, at_95, at_99):
    for confidence, printed in ((0.95, at_95), (0.99, at_99)):
        mine = cornish_fisher.figure(edhec[name], confidence, 1).value_at_risk
        assert math.floor(mine * 1e4) / 1e4 == printed


@pytest.mark.recordings
@needs_recordings
@pytest.mark.parametrize(("name", "printed"), [("Convertible Arbitrage", 0.0150), ("Funds of Funds", 0.0203)])
def test_historical_lies_within_one_rank_of_performance_analytics(edhec, name, printed):
    # It interpolates (type 7), we take the order statistic: the two neighbours enclose its figure.
    ordered = -np.sort(edhec[name])
    mine = historical.figure(edhec[name], 0.95, 1).value_at_risk
    rank = int(np.flatnonzero(ordered == mine)[0])
    assert ordered[rank + 1] - 5e-5 <= printed <= ordered[rank - 1] + 5e-5


def test_historical_by_hand():
    returns = [-0.05, -0.04, -0.03, -0.02, -0.01] + [0.01] * 95
    figure = historical.figure(returns, 0.95, 1)
    assert figure.value_at_risk == pytest.approx(0.01)
    assert figure.expected_shortfall == pytest.approx(0.03)  # mean of the worst five
    worst = historical.figure(returns, 0.99, 1)
    assert (worst.value_at_risk, worst.expected_shortfall) == pytest.approx((0.05, 0.05))
    assert worst.reliable
    assert not historical.figure(returns[:60], 0.99, 1).reliable


def test_cornish_fisher_shortfall_is_the_mean_of_its_own_quantiles():
    rng = np.random.default_rng(5)
    returns = 0.02 * rng.standard_t(8, 4000)
    probabilities = (np.arange(20_000) + 0.5) / 20_000 * 0.05
    quantiles = [cornish_fisher.figure(returns, 1 - float(p), 1).value_at_risk for p in probabilities[50::100]]
    figure = cornish_fisher.figure(returns, 0.95, 1)
    assert figure.reliable
    assert figure.expected_shortfall == pytest.approx(float(np.mean(quantiles)), rel=5e-3)


def test_cornish_fisher_of_normal_moments_is_parametric():
    returns = np.tile([-0.01, 0.01], 50)  # skewness 0, kurtosis -2: bent the other way
    flat = cornish_fisher.quantile(-1.6448536269514722, 0.0, 0.0)
    assert flat == pytest.approx(-1.6448536269514722)
    assert not cornish_fisher.figure(returns, 0.95, 1).reliable
    assert cornish_fisher.monotone(0.0, 1.0)
    assert not cornish_fisher.monotone(3.0, 1.0)
    assert cornish_fisher.monotone(0.0, -0.5)
    assert not cornish_fisher.monotone(0.0, 9.0)


def test_horizons():
    rng = np.random.default_rng(1)
    returns = rng.normal(0.0, 0.02, 500)
    one, ten = parametric.figure(returns, 0.99, 1), parametric.figure(returns, 0.99, 10)
    mean = returns.mean()
    assert ten.value_at_risk + 10 * mean == pytest.approx(10**0.5 * (one.value_at_risk + mean))
    with pytest.raises(TickhouseError) as caught:
        historical.figure(returns[:28], 0.99, 10)  # 19 windows
    assert caught.value.code is RiskCode.RISK_TOO_FEW_RETURNS
    windows = compound(returns, 10)
    assert windows.shape == (491,)
    assert windows[3] == pytest.approx(np.prod(1 + returns[3:13]) - 1)


@given(
    st.lists(st.floats(-0.5, 0.5), min_size=40, max_size=80), st.sampled_from([0.95, 0.99]), st.sampled_from([1, 10])
)
def test_shortfall_is_never_below_the_var(returns, confidence, horizon):
    for figure in var.table(returns, [confidence], [horizon]):
        if figure.reliable:
            assert figure.expected_shortfall >= figure.value_at_risk - 1e-3 * abs(figure.value_at_risk) - 1e-12


def test_the_table_has_every_method_confidence_and_horizon():
    figures = var.table(np.random.default_rng(3).normal(0, 0.01, 60))
    assert len({(f.method, f.confidence, f.horizon_days) for f in figures}) == 12


@pytest.mark.parametrize("method", var.METHODS.values())
def test_a_constant_series_loses_what_it_loses(method):
    figure = method([-0.01] * 40, 0.99, 1)
    assert figure.value_at_risk == pytest.approx(0.01)
    assert figure.expected_shortfall == pytest.approx(0.01)


@pytest.mark.parametrize("method", var.METHODS.values())
@pytest.mark.parametrize(
    ("returns", "confidence", "horizon", "code"),
    [
        ([], 0.99, 1, RiskCode.RISK_TOO_FEW_RETURNS),
        ([0.01], 0.99, 1, RiskCode.RISK_TOO_FEW_RETURNS),
        ([0.01] * 19, 0.99, 1, RiskCode.RISK_TOO_FEW_RETURNS),
        ([0.01] * 39 + [float("nan")], 0.99, 1, RiskCode.RISK_RETURNS_INVALID),
        ([[0.01]] * 40, 0.99, 1, RiskCode.RISK_RETURNS_INVALID),
        ([0.01] * 40, 1.0, 1, RiskCode.RISK_PARAMETER_INVALID),
        ([0.01] * 40, 0.01, 1, RiskCode.RISK_PARAMETER_INVALID),
        ([0.01] * 40, 0.99, 0, RiskCode.RISK_PARAMETER_INVALID),
    ],
)
def test_bad_input_is_refused_with_its_code(method, returns, confidence, horizon, code):
    with pytest.raises(TickhouseError) as caught:
        method(returns, confidence, horizon)
    assert caught.value.code is code

import csv
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from risk import optimise, stress
from risk.correlation import average, correlation
from risk.drawdown import drawdown
from risk.errors import RiskCode

pytestmark = pytest.mark.xdist_group("risk_report")  # riskfolio costs 8 s to import: one worker pays
RECORDINGS = os.environ.get("TICKHOUSE_RECORDINGS")
CONFIG = Path(__file__).parents[2] / "config"


def test_drawdown_by_hand():
    found = drawdown([0.10, -0.50, 0.20, 1.0, -0.10])
    assert found.maximum == pytest.approx(0.5)
    assert (found.peak, found.trough, found.recovered) == (0, 1, 3)
    assert found.current == pytest.approx(0.1)
    assert found.path.shape == (5,)


def test_drawdown_from_the_start_and_edges():
    falling = drawdown([-0.1, -0.1])
    assert (falling.peak, falling.trough, falling.recovered) == (-1, 1, None)
    assert falling.maximum == pytest.approx(0.19)
    assert drawdown([0.01]).maximum == 0.0
    assert drawdown([-1.0, 0.5]).maximum == 1.0
    with pytest.raises(TickhouseError):
        drawdown([])


@given(st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=60))
def test_drawdown_agrees_with_riskfolio(returns):
    from riskfolio.src import RiskFunctions

    assert drawdown(returns).maximum == pytest.approx(float(RiskFunctions.MDD_Rel(np.array(returns))), abs=1e-12)


def test_correlation_of_known_series():
    up = np.arange(10.0)
    found = correlation(np.column_stack([up, -up, np.ones(10)]))
    assert found[0, 1] == pytest.approx(-1.0)
    assert np.isnan(found[0, 2])
    assert found[2, 2] == 1.0
    assert average(found) == pytest.approx(-1.0)
    assert np.isnan(average(correlation(up[:, None])))


def test_stress_table_of_the_project():
    scenarios = stress.parse(tomllib.loads((CONFIG / "stress.toml").read_text()))
    crash = next(one for one in scenarios if one.name.startswith("Crash"))
    result = stress.apply(crash, {"BTC/USDT:USDT": 1000.0, "XRP/USDT:USDT": -200.0})
    assert result.pnl == pytest.approx(-300 + 90)
    assert result.by_symbol["XRP/USDT:USDT"] == pytest.approx(90)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"scenarios": []}, "scenarios"),
        ({"scenario": [{"name": "", "shocks": {"default": "-1 %"}}]}, "scenario[0].name"),
        ({"scenario": [{"name": "a"}]}, "scenario[0].shocks"),
        ({"scenario": [{"name": "a", "shocks": {"default": -0.3}}]}, "scenario[0].shocks.default"),
        ({"scenario": [{"name": "a", "shocks": {"default": "-300 %"}}]}, "scenario[0].shocks.default"),
        ({"scenario": [{"name": "a", "shocks": {"default": "-3 %"}, "x": 1}]}, "scenario[0].x"),
    ],
)
def test_a_wrong_scenario_is_refused_by_name(raw, key):
    with pytest.raises(TickhouseError) as caught:
        stress.parse(raw)
    assert caught.value.context["key"] == key


@pytest.mark.parametrize(("method", "power"), [("hierarchical_risk_parity", 2), ("risk_parity", 1)])
def test_two_assets_have_a_closed_form(method, power):
    # Uncorrelated: HRP splits by inverse variance, risk parity by inverse deviation.
    returns = np.random.default_rng(2).normal(0, [0.01, 0.02], (400, 2))
    returns -= returns.mean(axis=0)
    returns[:, 1] -= returns[:, 0] * (returns[:, 0] @ returns[:, 1]) / (returns[:, 0] @ returns[:, 0])
    inverse = returns.std(axis=0) ** -power
    found = optimise.weights(method, returns, ["a", "b"])
    assert found["a"] == pytest.approx(inverse[0] / inverse.sum(), abs=1e-4)


@pytest.mark.recordings
@pytest.mark.skipif(not RECORDINGS, reason="TICKHOUSE_RECORDINGS names no folder of recordings")
def test_drawdown_agrees_with_performance_analytics():
    head, *rows = csv.reader((Path(RECORDINGS or "") / "braverock+PerformanceAnalytics/derived/edhec.csv").open())
    funds = [float(row[head.index("Funds of Funds")]) for row in rows]
    assert drawdown(funds).maximum == pytest.approx(0.2059, abs=1e-4)


@pytest.mark.parametrize("method", optimise.METHODS)
def test_weights_add_up_and_spare_the_wild_asset(method):
    rng = np.random.default_rng(11)
    returns = rng.normal(0, [0.01, 0.01, 0.05], (120, 3))
    found = optimise.weights(method, returns, ["a", "b", "wild"])
    assert sum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) >= 0
    assert found["wild"] < min(found["a"], found["b"])


def test_weights_edges():
    returns = np.random.default_rng(0).normal(0, 0.01, (40, 2))
    assert optimise.weights("risk_parity", returns[:, :1], ["a"]) == {"a": 1.0}
    for bad, names, method, code in (
        (returns, ["a"], "risk_parity", RiskCode.RISK_RETURNS_INVALID),
        (returns, ["a", "b"], "magic", RiskCode.RISK_PARAMETER_INVALID),
        (returns * [1, 0], ["a", "b"], "risk_parity", RiskCode.RISK_OPTIMISATION_FAILED),
        (returns[:5], ["a", "b"], "risk_parity", RiskCode.RISK_TOO_FEW_RETURNS),
    ):
        with pytest.raises(TickhouseError) as caught:
            optimise.weights(method, bad, names)
        assert caught.value.code is code

from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market.instrument import InstrumentKind
from risk import sizing
from risk.exposure import Exposure, notional, worst_value
from risk.netting import net

USDT = 10**8


@dataclass(frozen=True)
class Target:
    strategy: str
    instrument: int
    risk_units: float


def test_one_risk_unit_swings_by_the_set_share_of_equity(limits, btc, rules):
    # 2 % of 20,000 a day is 400; at 4 % a day that is a position of 10,000, at 50,000 a coin 0.2.
    assert sizing.size(1.0, 20_000 * USDT, 0.04, limits, btc, rules, 50_000_00) == 200
    assert sizing.size(-0.5, 20_000 * USDT, 0.04, limits, btc, rules, 50_000_00) == -100


NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "value"), [("equity", 0), ("price", 0), ("volatility", 0.0), ("volatility", NAN), ("risk_units", NAN)]
)
def test_a_missing_figure_sizes_nothing(limits, btc, rules, name, value):
    values = {"risk_units": 1.0, "equity": 20_000 * USDT, "volatility": 0.04, "price": 50_000_00, name: value}
    assert sizing.size(limits=limits, instrument=btc, rules=rules, **values) == 0


@given(
    units=st.floats(-3, 3), equity=st.integers(1, 10**14), volatility=st.floats(1e-6, 1), price=st.integers(1, 10**8)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_size_is_whole_lots_inside_the_position_limit(limits, btc, rules, units, equity, volatility, price):
    lots = replace(rules, lot=7)
    qty = sizing.size(units, equity, volatility, limits, btc, lots, price)
    assert qty % 7 == 0
    assert qty * units >= 0
    assert notional(btc, price, abs(qty)) <= limits.instrument(btc.symbol).max_position


def test_the_largest_order_fits_its_limit_and_the_next_lot_does_not(limits, btc, rules):
    mine = limits.instrument(btc.symbol)
    qty = sizing.largest_order(mine, btc, rules, 33_333_30)
    assert notional(btc, 33_333_30, qty) <= mine.max_order_notional < notional(btc, 33_333_30, qty + rules.lot)
    assert sizing.largest_order(mine, btc, rules, 0) == 0


def test_inverse_contracts_are_worth_their_size_at_any_price(btc):
    inverse = replace(btc, kind=InstrumentKind.INVERSE, qty_scale=0, contract_size=100 * 10**8)
    assert notional(inverse, 12_345_00, -3) == -300 * USDT


def test_targets_net_by_weight_and_keep_their_shares(limits):
    result = net([Target("ml", 1, 1.0), Target("momentum", 1, -0.5), Target("ml", 2, 2.0)], limits)
    assert result[1].risk_units == pytest.approx(0.25)
    assert dict(result[1].shares) == pytest.approx({"ml": 0.5, "momentum": -0.25})
    assert result[2].risk_units == pytest.approx(0.5)


def test_a_sum_beyond_one_is_cut_in_proportion(limits):
    result = net([Target(name, 1, 1.0) for name in "abc"], limits)[1]
    assert result.risk_units == 1.0
    assert dict(result.shares) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})


def test_a_target_that_is_no_number_stops_its_instrument_only(limits):
    assert set(net([Target("a", 1, float("nan")), Target("b", 1, 1.0), Target("b", 2, 1.0)], limits)) == {2}


def test_exposure_moves_by_differences(limits, btc):
    other = replace(btc, id=2, symbol="XRP/USDT:USDT")
    exposure = Exposure(limits, [btc, other], ["ml"])
    exposure.set(1, 1_000)
    exposure.set(2, -400)
    exposure.set(1, -500)
    by_name = {(node.level.value, node.name): (node.gross, node.net) for node in exposure.nodes}
    assert by_name["portfolio", ""] == (900, -900)
    assert by_name["sector", "majors"] == (500, -500)
    assert exposure.path(3) == ()
    exposure.set_strategy("ml", 1, -70)
    exposure.set_strategy("ml", 1, 30)
    node = exposure.strategy("ml")
    assert node is not None
    assert (node.gross, node.net) == (30, 30)
    assert exposure.strategy("unknown") is None


def test_the_worst_side_counts_working_orders():
    assert worst_value(100, 50, 0) == 150
    assert worst_value(100, 50, 300) == -200

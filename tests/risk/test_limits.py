import copy

import pytest

from infra.errors import TickhouseError
from risk import limits as limits_module
from risk import units
from risk.errors import RiskCode

USDT = 10**8


def test_the_projects_file_is_valid(limits):
    assert limits.portfolio.max_gross_exposure == 50_000 * USDT
    assert limits.portfolio.max_leverage == 3_000_000
    assert limits.instrument("BTC/USDT:USDT").max_position == 25_000 * USDT
    assert limits.instrument("BTC/USDT:USDT").price_collar == 10_000
    assert limits.instrument("XRP/USDT:USDT").max_position == 15_000 * USDT
    assert limits.instrument("XRP/USDT:USDT").max_quote_age == 2 * 10**9
    assert limits.sectors_of("ETH/USDT:USDT") == ("majors",)
    assert limits.strategy("anything").weight == 500_000


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("extra",), 1, "extra"),
        (("currency",), 5, "currency"),
        (("warning_at",), "120 %", "warning_at"),
        (("portfolio", "max_leverge"), "3 x", "portfolio.max_leverge"),
        (("portfolio", "max_leverage"), "3 USDT", "portfolio.max_leverage"),
        (("portfolio", "max_leverage"), 3, "portfolio.max_leverage"),
        (("portfolio", "max_daily_loss"), "1000 BTC", "portfolio.max_daily_loss"),
        (("portfolio", "max_daily_loss"), "-1000 USDT", "portfolio.max_daily_loss"),
        (("portfolio", "max_daily_loss"), "nan USDT", "portfolio.max_daily_loss"),
        (("portfolio", "max_daily_loss"), "0.000000001 USDT", "portfolio.max_daily_loss"),
        (("portfolio", "max_order_rate"), "50 s", "portfolio.max_order_rate"),
        (("instrument", "default", "max_quote_age"), "2", "instrument.default.max_quote_age"),
        (("instrument", "BTC/USDT:USDT", "colar"), "2 %", "instrument.BTC/USDT:USDT.colar"),
        (("sector", "majors", "members"), "BTC", "sector.majors.members"),
        (("strategy", "default", "weight"), "101 %", "strategy.default.weight"),
        (("venue",), "binance", "venue"),
    ],
)
def test_a_wrong_key_or_unit_is_refused_by_name(raw, path, value, key):
    broken = copy.deepcopy(raw)
    node = broken
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    with pytest.raises(TickhouseError) as caught:
        limits_module.parse(broken)
    assert caught.value.code is RiskCode.RISK_LIMITS_INVALID
    assert caught.value.context["key"] == key


@pytest.mark.parametrize(
    ("section", "name"), [("portfolio", "max_drawdown"), ("instrument", "default"), ("venue", "default")]
)
def test_a_missing_key_is_refused_by_name(raw, section, name):
    del raw[section][name]
    with pytest.raises(TickhouseError) as caught:
        limits_module.parse(raw)
    assert name in str(caught.value.context["key"])


def test_units():
    assert units.ratio("k", "1.5 %") == 15_000
    assert units.ratio("k", "25bps") == 2_500
    assert units.duration("k", "250 ms") == 250_000_000
    assert units.money("USDT")("k", "1_000_000.5 USDT") == 100_000_050_000_000

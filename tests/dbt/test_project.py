"""The dbt project: built as an asset on a real ClickHouse, and equal to the bars that the platform itself makes."""

from __future__ import annotations

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets import marts
from infra.settings import PROJECT
from market import bars as market_bars
from store import bars, reader
from tests.assets.conftest import Batch
from tests.assets.tape import DAY_NS, DAYS, FIRST, Tape, day_ns, on


def test_no_python_file_shadows_the_package():
    assert list((PROJECT / "dbt").rglob("*.py")) == []


@pytest.mark.stack
def test_marts_equal_what_the_platform_computes(clickhouse):
    batch = Batch(Tape(faults={"trades": lambda rows: rows[on(FIRST, rows)]}))
    assert batch.run("binance/instruments").success
    assert batch.run("binance/bars_1m", "binance/trades", first=DAYS[0], last=DAYS[1]).success

    built = marts.build("binance")
    result = dg.materialize(built, instance=batch.instance)
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(check.passed for check in checks)

    made = reader.query(clickhouse, "SELECT * FROM mart_bars_daily ORDER BY instrument, day")
    assert made["minutes"].to_list() == [1440] * 4
    assert made["trades"].to_list() == [500, 0, 500, 0]
    wanted = daily(bars.read(clickhouse, [1, 2], day_ns(FIRST), day_ns(FIRST) + 2 * DAY_NS))
    for name, unit in {"open": 0.01, "high": 0.01, "low": 0.01, "close": 0.01, "volume": 0.001}.items():
        np.testing.assert_allclose(made[name].to_numpy(), wanted[name] * unit, rtol=1e-12)

    returns = reader.query(clickhouse, "SELECT * FROM mart_returns ORDER BY instrument, day")
    close = wanted["close"].astype(float)
    assert returns["log_return"].is_null().to_list() == [True, False, True, False]
    np.testing.assert_allclose(
        returns["log_return"].drop_nulls().to_numpy(), np.log([close[1] / close[0], close[3] / close[2]]), rtol=1e-9
    )


def daily(minutes: pl.DataFrame) -> np.ndarray:
    """Daily bars by the platform's own kernel."""
    out = market_bars.empty(minutes.height)
    for name in market_bars.BAR.names:
        out[name] = minutes[name].to_numpy() if name in minutes.columns else 60
    return market_bars.aggregate(out, 86_400)

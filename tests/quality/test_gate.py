"""The gate finds each kind of bad row, names it, and blames only its own day."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset
from market.instrument import market_of
from quality import gate, suites
from quality.rule import Context, Rule, Severity
from venues import facts

DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
FIRST = date(2026, 1, 1)
START = (FIRST - date(1970, 1, 1)).days * DAY_NS
DAYS = pl.DataFrame(
    {"instrument": [1, 1], "day": [FIRST, FIRST + timedelta(days=1)]}, schema_overrides={"instrument": pl.UInt32}
)


def bars() -> pl.DataFrame:
    rows = range(2 * 1440)
    return pl.DataFrame(
        {
            "instrument": pl.Series([1] * len(rows), dtype=pl.UInt32),
            "day": [FIRST + timedelta(days=row // 1440) for row in rows],
            "ts_event": [START + row * MINUTE_NS for row in rows],
            "open": [1000 + row % 3 for row in rows], "high": [1005] * len(rows), "low": [995] * len(rows),
            "close": [1000 + row % 2 for row in rows], "volume": [5] * len(rows),
        }
    )


def trades() -> pl.DataFrame:
    rows = range(200)
    return pl.DataFrame(
        {
            "instrument": pl.Series([1] * len(rows), dtype=pl.UInt32),
            "day": [FIRST + timedelta(days=row // 100) for row in rows],
            "ts_event": [START + row * DAY_NS // 100 for row in rows],
            "trade_id": [7 + row for row in rows], "price": [100] * len(rows), "qty": [1] * len(rows),
            "side": [1 + row % 2 for row in rows],
        }
    )


def funding() -> pl.DataFrame:
    rows = range(6)
    return pl.DataFrame(
        {
            "instrument": pl.Series([1] * len(rows), dtype=pl.UInt32),
            "day": [FIRST + timedelta(days=row // 3) for row in rows],
            "ts_event": [START + row * DAY_NS // 3 for row in rows],
            "rate": [100_000_000] * len(rows), "mark_price": [5] * len(rows),
        }
    )


GOOD = {"bars": bars, "trades": trades, "funding_rates": funding}


def suite_of(dataset):
    return suites.get(Dataset(dataset), Context(market_of("binance"), facts.of("binance")))


def spoil(frame: pl.DataFrame, row: int, **values: int) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).cast(frame[name].dtype).alias(name)
        for name, value in values.items()
    )


@pytest.mark.parametrize("dataset", GOOD)
def test_good_days_pass(dataset):
    suite = suite_of(dataset)
    found = gate.judge(suite, GOOD[dataset](), DAYS)
    assert all(finding.passed for finding in found.findings)
    assert len(found.findings) == 2 * (len(suite.ROWS) + len(suite.DAYS))
    assert found.rejected.is_empty()


@pytest.mark.parametrize(
    ("dataset", "row", "values", "rule"),
    [
        ("bars", 3, {"high": 1000}, "high_over_body"),
        ("bars", 3, {"low": 1001}, "low_under_body"),
        ("bars", 3, {"low": 0}, "low_positive"),
        ("bars", 3, {"volume": -1}, "volume_not_negative"),
        ("bars", 3, {"ts_event": START + 3 * MINUTE_NS + 1}, "time_on_the_minute"),
        ("bars", 3, {"ts_event": START + 4 * MINUTE_NS}, "key_unique"),
        ("bars", 3, {"ts_event": START + 2 * DAY_NS}, "time_in_its_day"),
        ("bars", 3, {"close": 10_000, "high": 10_000}, "no_jump"),
        ("trades", 3, {"price": 0}, "price_positive"),
        ("trades", 3, {"qty": 0}, "qty_positive"),
        ("trades", 3, {"side": 0}, "side_known"),
        ("trades", 3, {"trade_id": 8}, "key_unique"),
        ("trades", 3, {"ts_event": START}, "time_follows_number"),
        ("trades", 3, {"price": 1000}, "no_jump"),
        ("funding_rates", 1, {"rate": 10**12}, "rate_within_caps"),
        ("funding_rates", 1, {"ts_event": START}, "key_unique"),
    ],
)
def test_each_kind_of_bad_row_is_found_on_its_day(dataset, row, values, rule):
    found = gate.judge(suite_of(dataset), spoil(GOOD[dataset](), row, **values), DAYS)
    failed = {finding.rule for finding in found.findings if not finding.passed and finding.severity is Severity.ERROR}
    assert rule in failed
    assert row in found.rejected.filter(pl.col("reason") == rule)["row"].to_list()
    assert found.worst(1, FIRST) is Severity.ERROR
    assert found.worst(1, FIRST + timedelta(days=1)) is not Severity.ERROR


def test_a_missing_minute_makes_its_day_partial():
    found = gate.judge(suite_of("bars"), bars().remove(pl.col("ts_event") == START + 7 * MINUTE_NS), DAYS)
    assert found.worst(1, FIRST) is Severity.WARNING
    assert found.worst(1, FIRST + timedelta(days=1)) is None


def test_a_missing_trade_number_makes_its_day_partial_unless_the_venue_numbers_all_symbols_together():
    suite = suite_of("trades")
    assert gate.judge(suite, trades().remove(pl.col("trade_id") == 20), DAYS).worst(1, FIRST) is Severity.WARNING
    sparse = trades().with_columns(pl.col("trade_id") * 40)
    assert gate.judge(suite, sparse, DAYS).worst(1, FIRST) is None


def test_a_day_without_rows_is_judged_too():
    found = gate.judge(suite_of("bars"), bars().head(0), DAYS)
    assert found.worst(1, FIRST) is Severity.WARNING


def test_an_expectation_that_cannot_be_evaluated_stops_the_gate():
    class Broken:
        ROWS = (Rule("ghost", "ExpectColumnValuesToBeBetween", {"column": "ghost", "min_value": 0}),)
        DAYS = ()
        prepare = staticmethod(lambda frame: frame)
        summarise = staticmethod(lambda _, days: days)

    with pytest.raises(TickhouseError, match="SUITE_BROKEN"):
        gate.judge(Broken, bars(), DAYS)


def test_dagster_sees_error_for_quarantine_and_warn_for_partial():
    import dagster as dg

    bad = gate.judge(suite_of("bars"), spoil(bars(), 3, volume=-1), DAYS)
    gap = gate.judge(suite_of("bars"), bars().remove(pl.col("ts_event") == START + 7 * MINUTE_NS), DAYS)
    key = dg.AssetKey("bars")
    assert gate.check_result(bad.findings, "suite", key).severity is dg.AssetCheckSeverity.ERROR
    assert gate.check_result(gap.findings, "suite", key).severity is dg.AssetCheckSeverity.WARN
    assert not gate.check_result(gap.findings, "suite", key).passed

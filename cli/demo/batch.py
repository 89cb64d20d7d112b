"""The batch stages of the demo: history, features, model and the risk report, each a run of Dagster."""

from __future__ import annotations

from typing import Any

from cli.demo.dagster_runs import materialise, metadata
from cli.demo.errors import DemoCode
from cli.demo.runner import Demo, Facts
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import load


def history(demo: Demo) -> Facts:
    """Bars and funding over all days, trades over the last ones, through the quality gate."""
    plan, venue = demo.plan, load().venue.name
    materialise(demo, [f"{venue}/instruments"])
    materialise(demo, [f"{venue}/bars_1m", f"{venue}/funding"], days=(plan.first_day, plan.last_day))
    materialise(demo, [f"{venue}/trades"], days=(plan.first_trade_day, plan.last_day))
    counts = {table: _count(table) for table in ("bars", "trades", "funding_rates")}
    for table, rows in counts.items():
        if rows == 0:
            raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="history", table=table, rows=0)
    verdicts = _rows("SELECT passed, count() FROM quality_results GROUP BY passed ORDER BY passed DESC")
    states = _rows("SELECT state, count() FROM ingest_log GROUP BY state ORDER BY state")
    return {
        "rows": ", ".join(f"{rows:,} {table}" for table, rows in counts.items()),
        "verdicts": ", ".join(f"{count:,} {'passed' if passed else 'failed'}" for passed, count in verdicts),
        "instrument days": ", ".join(f"{count:,} {state}" for state, count in states),
    }


def marts(demo: Demo) -> Facts:
    """dbt's staging models and marts."""
    materialise(demo, ["staging_instruments", "staging_bars", "staging_trades", "mart_bars_daily", "mart_returns"])
    rows = _count("mart_bars_daily")
    if rows == 0:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="dbt", table="mart_bars_daily", rows=0)
    return {"marts": f"{rows:,} daily bars"}


def features(demo: Demo) -> Facts:
    """Features and labels of the days with trades."""
    plan = demo.plan
    materialise(demo, ["features_flow", "labels_forward_return"], days=(plan.first_trade_day, plan.last_day))
    return {"features": f"{_count('features'):,} rows of 20, {_count('labels'):,} labels"}


def model(demo: Demo) -> Facts:
    """Training, export, equality check, gate."""
    from store import champion

    materialise(demo, ["training_set", "model_flow", "champion"])
    served = champion.load(Home(demo.plan.home), "flow")
    if served is None:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="model", what="champion")
    return {"champion": f"{served.name} version {served.version}", "model skill": _skill()}


def risk_report(demo: Demo) -> Facts:
    """The nightly risk report of the last whole day."""
    materialise(demo, ["risk_report"], days=(demo.plan.last_day, demo.plan.last_day))
    reports = sorted(Home(demo.plan.home).reports.glob("*/risk_report.html"))
    if not reports:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="risk report", folder=Home(demo.plan.home).reports)
    found = metadata("risk_report")
    headline = ", ".join(
        f"{title} {found[key]:,.0f} {found['currency']}"
        for title, key in (("VaR 95 % 1d", "var_95_1d"), ("VaR 99 % 1d", "var_99_1d"), ("ES 99 % 1d", "es_99_1d"))
    )
    return {"VaR and ES": f"{headline} ({found['portfolio']})", "risk report": str(reports[-1])}


def _skill() -> str:
    import mlflow

    client = mlflow.MlflowClient(load().mlflow_uri)
    version = client.get_model_version_by_alias("flow", "champion")
    metrics = client.get_run(str(version.run_id)).data.metrics
    tested = {name.removeprefix("test_"): value for name, value in metrics.items() if name.startswith("test_")}
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(tested.items()))


def _count(table: str) -> int:
    return int(_rows(f"SELECT count() FROM {table}")[0][0])  # noqa: S608 - a table name of ours


def _rows(sql: str) -> list[Any]:
    from store.clickhouse import connect

    with connect(load()) as client:
        return list(client.query(sql).result_rows)

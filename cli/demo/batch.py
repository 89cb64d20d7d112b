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
    """Instruments, bars and funding over all days, through the quality gate."""
    plan, venue = demo.plan, load().venue.name
    # One run where one will do: starting a run costs 7 to 9 s, loading Great Expectations 6 s more.
    materialise(
        demo, [f"{venue}/instruments", f"{venue}/bars_1m", f"{venue}/funding"], days=(plan.first_day, plan.last_day)
    )
    return {
        "bars, funding": f"{_count('bars'):,} bars of one minute, {_count('funding_rates'):,} funding rates",
        "verdicts": _verdicts(),
    }


def features(demo: Demo) -> Facts:
    """Trades of the last days, checked, with their features and labels."""
    plan, venue = demo.plan, load().venue.name
    materialise(
        demo, [f"{venue}/trades", "features_flow", "labels_forward_return"], days=(plan.first_trade_day, plan.last_day)
    )
    states = _rows("SELECT state, count() FROM ingest_log GROUP BY state ORDER BY state")
    return {
        "trades": f"{_count('trades'):,}",
        "features": f"{_count('features'):,} rows of 20, {_count('labels'):,} labels",
        "verdicts": _verdicts(),
        "instrument days": ", ".join(f"{count:,} {state}" for state, count in states),
    }


def model(demo: Demo) -> Facts:
    """dbt's staging models and marts, then training, export, equality check and gate."""
    from assets import marts
    from store import champion

    materialise(demo, [*marts.models(), "training_set", "model_flow", "champion"])
    served = champion.load(Home(demo.plan.home), "flow")
    if served is None:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, stage="model", what="champion")
    return {
        "marts": f"{_count('mart_bars_daily'):,} daily bars, {_count('mart_returns'):,} returns",
        "champion": f"{served.name} version {served.version}",
        "model skill": _skill(),
    }


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
    return (
        f"out of sample: rank IC {metrics['test_rank_ic']:.3f} (t {metrics['test_rank_ic_t']:.1f}), "
        f"skill {metrics['test_skill']:.4f} over {metrics['test_rows']:,.0f} rows"
    )


def _verdicts() -> str:
    counts = _rows("SELECT passed, count() FROM quality_results GROUP BY passed ORDER BY passed DESC")
    return ", ".join(f"{count:,} {'passed' if passed else 'failed'}" for passed, count in counts)


def _count(table: str) -> int:
    """Rows of a table that must not be empty by now."""
    rows = int(_rows(f"SELECT count() FROM {table}")[0][0])  # noqa: S608 - a table name of ours
    if rows == 0:
        raise TickhouseError(DemoCode.DEMO_RESULT_MISSING, table=table, rows=0)
    return rows


def _rows(sql: str) -> list[Any]:
    from store.clickhouse import connect

    with connect(load()) as client:
        return list(client.query(sql).result_rows)

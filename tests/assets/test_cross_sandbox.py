"""The whole road of quality on the sandbox exchange: ingested, judged, held against each other, scored, in one run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from assets.ingest import definitions as ingest
from assets.quality import definitions as quality
from assets.resources import ClickHouse, Sources
from infra import endpoints
from infra.settings import Sandbox, Venue
from infra.stack import commands
from infra.stack.ports import free_port
from orchestration import partitions
from tests.support import answers_http, running
from venues.catalogue import Catalogue

pytestmark = pytest.mark.stack

SYMBOL = "ETH/USDT:USDT"


@pytest.fixture
def sandbox(settings, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = commands.sandbox(tmp_path / "state", port, Sandbox())
    with running(argv, tmp_path / "log", lambda: answers_http(f"{url}/fapi/v1/time")):
        endpoints.write(settings.home, {endpoints.Service.SANDBOX: url})
        yield url


def test_days_of_the_sandbox_pass_every_check_and_reach_the_goal(clickhouse, sandbox):
    last: date = datetime.now(UTC).date() - timedelta(days=2)
    first = last - timedelta(days=1)
    days = partitions.daily(first)
    definitions = dg.Definitions.merge(
        dg.Definitions(
            assets=ingest.build("binance", [SYMBOL], days),
            resources={"clickhouse": ClickHouse(), "sources": Sources()}, executor=dg.in_process_executor,
        ),
        quality.definitions(Venue(name="binance", symbols=[SYMBOL]), Catalogue(), days),
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    span = {"dagster/asset_partition_range_start": first.isoformat(), "dagster/asset_partition_range_end":
            last.isoformat()}
    result = job.execute_in_process(tags=span)
    assert result.success
    checks = {(check.asset_key.path[-1], check.check_name): check for check in result.get_asset_check_evaluations()}
    assert {name for name, check in checks.items() if not check.passed} == set()
    assert {("bars_1m", "cross"), ("funding", "cross"), ("quality_scores", "goal")} <= set(checks)
    assert checks["bars_1m", "cross"].metadata["days"].value == 2
    compared = clickhouse.query(
        "SELECT observed FROM quality_results WHERE dataset = 'bars' AND check_name = 'cross_checked'"
    ).result_rows
    assert len(compared) == 2
    assert all(observed.startswith("trades=") for (observed,) in compared)
    scores = clickhouse.query(
        "SELECT dataset, min(completeness), min(accuracy), min(timeliness), count() FROM quality_scores"
        " GROUP BY dataset ORDER BY dataset"
    ).result_rows
    assert {"bars", "funding_rates", "trades"} <= {dataset for dataset, *_ in scores}
    assert {tuple(row[1:]) for row in scores} == {(1.0, 1.0, 1.0, 2)}

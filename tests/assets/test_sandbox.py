"""The real road: ccxt from the sandbox exchange into ClickHouse, and three views of one market that agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import numpy as np
import pytest

from assets.ingest import definitions as ingest
from assets.resources import ClickHouse, Sources
from infra import endpoints
from infra.settings import Sandbox
from infra.stack import commands
from infra.stack.ports import free_port
from market import bars as market_bars
from orchestration import partitions
from store import bars, funding, open_interest, trades
from tests.assets.tape import DAY_NS, day_ns
from tests.support import answers_http, running

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


def test_bars_trades_and_funding_come_through_dagster_and_agree(clickhouse, sandbox):
    # The day before the last: complete whatever the hour the test runs at.
    day: date = datetime.now(UTC).date() - timedelta(days=2)
    definitions = dg.Definitions(
        assets=ingest.build("binance", [SYMBOL], partitions.daily(day)),
        resources={"clickhouse": ClickHouse(), "sources": Sources()}, executor=dg.in_process_executor,
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(partition_key=day.isoformat())
    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())

    span = ([1], day_ns(day), day_ns(day) + DAY_NS)
    minutes = bars.read(clickhouse, *span)
    assert minutes.height == 1440
    assert funding.read(clickhouse, *span).height == 3
    assert open_interest.read(clickhouse, *span).height == 288
    events = trades.events(clickhouse, *span)
    assert len(events) > 1_000

    state = market_bars.new_state(1, 60)
    made = np.concatenate([market_bars.update(state, events), market_bars.close(state, day_ns(day) + DAY_NS)])
    traded = minutes.filter(minutes["volume"] > 0)
    assert made["ts_event"].tolist() == traded["ts_event"].to_list()
    for name in ("open", "high", "low", "close", "volume"):
        assert made[name].tolist() == traded[name].to_list(), name

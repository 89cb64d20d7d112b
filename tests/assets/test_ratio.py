"""Long/short ratios of a venue through Dagster: a dated series by REST like any other dataset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from assets.ingest import definitions as ingest
from assets.ingest import feeds
from assets.resources import ClickHouse, Sources
from market.dataset import Dataset
from orchestration import partitions
from store import datasets
from tests.assets.tape import DAY_NS, day_ns
from tests.assets.test_sandbox import SYMBOL, sandbox  # noqa: F401 - a fixture
from venues.catalogue import Feed

pytestmark = pytest.mark.stack
RATIO = "long_short_ratio"


def test_a_day_of_ratios(clickhouse, sandbox):  # noqa: F811 - the fixture
    day: date = datetime.now(UTC).date() - timedelta(days=2)
    feed = feeds.of_catalogue([Feed(dataset=Dataset.SERIES, series=RATIO)])
    assets = ingest.build("binance", [SYMBOL], partitions.daily(day), feed)
    definitions = dg.Definitions(
        assets=assets, resources={"clickhouse": ClickHouse(), "sources": Sources()}, executor=dg.in_process_executor,
    )
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(partition_key=day.isoformat())
    assert result.success
    rows = datasets.read(clickhouse, Dataset.SERIES, [1], day_ns(day), day_ns(day) + DAY_NS, series=RATIO)
    assert rows.height == 288
    assert rows["value"].is_between(0.4, 2.5).all()

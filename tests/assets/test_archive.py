"""A night of the archive: what is due is saved first, then limits shorten and the log tells what goes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from assets import archive
from assets.resources import ClickHouse
from infra.settings import Retention, load
from market.dataset import Dataset
from store import ingest_log, retention, trades, writer
from store.clickhouse import migrate
from store.ingest_log import IngestEntry, IngestState
from tests.store.rows import DAY, frame

pytestmark = pytest.mark.stack

FIRST = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def limits(clickhouse):
    yield
    retention.apply(clickhouse, Retention(), shorten=True)


def fill(client, kept_days):
    rows = frame(Dataset.TRADES, [(0, 7, 1), (1, 8, 1)])
    writer.insert(client, "trades", rows.with_columns(kept_from=pl.lit(datetime.now(UTC) - timedelta(kept_days))))
    entry = IngestEntry("trades", "v", 1, FIRST, IngestState.COMPLETE, 2, "h", "rest")
    ingest_log.record(client, [entry])


def run():
    job = dg.Definitions(assets=archive.build(), resources={"clickhouse": ClickHouse()})
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, raise_on_error=False
        )
        made = result.asset_materializations_for_node(archive.ASSET)
        return result, {name: value.value for one in made for name, value in one.metadata.items()}


def test_a_shorter_limit_waits_for_the_archive(clickhouse, settings, monkeypatch):
    fill(clickhouse, kept_days=40)
    monkeypatch.setenv("TICKHOUSE_RETENTION__TRADES", "30")
    migrate(load())
    assert retention.days(clickhouse)["trades"] == 365, "not before the archive has the rows"
    result, told = run()
    assert result.success
    assert (told["days"], told["rows"], told["archived"]) == (1, 2, "trades/2026-01-01")
    assert (told["limits shortened"], told["days aged out"]) == ("trades", 1)
    assert retention.days(clickhouse)["trades"] == 30
    with pytest.raises(Exception, match="missing"):
        trades.read(clickhouse, [1], DAY, DAY + 1)
    assert run()[1]["archived"] == "nothing was due"


def test_a_broken_file_fails_the_night_and_keeps_the_rows(clickhouse, settings, monkeypatch):
    fill(clickhouse, kept_days=360)
    folder = settings.home / "archive" / "trades"
    folder.mkdir(parents=True)
    (folder / "2026-01-01.json").write_text("{}")
    monkeypatch.setenv("TICKHOUSE_RETENTION__TRADES", "30")
    result, _ = run()
    assert not result.success
    (event,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "1 day(s) could not be archived" in event.step_failure_data.error.message
    assert retention.days(clickhouse)["trades"] == 365

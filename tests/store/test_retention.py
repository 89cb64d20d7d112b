"""Limits from the settings: set at migration, lengthened at once, shortened when told to."""

from __future__ import annotations

import pytest

from infra.settings import Retention
from market.dataset import Dataset
from store import retention, trades
from store.clickhouse import migrate
from tests.store.rows import DAY, frame
from tests.support import wait_until

pytestmark = pytest.mark.stack


@pytest.fixture(autouse=True)
def restored(clickhouse):
    yield
    retention.apply(clickhouse, Retention(), shorten=True)


def test_the_schema_has_the_limits_of_the_settings(clickhouse, settings):
    found = retention.days(clickhouse)
    assert {table: found[table] for table in Retention.model_fields} == settings.retention.model_dump()
    assert retention.apply(clickhouse, settings.retention, shorten=True) == []
    assert found["fills"] == 0


def test_longer_at_once_and_shorter_when_the_archive_has_the_rows(clickhouse, settings, monkeypatch):
    monkeypatch.setenv("TICKHOUSE_RETENTION__TRADES", "30")
    monkeypatch.setenv("TICKHOUSE_RETENTION__QUOTES", "0")
    from infra.settings import load

    migrate(load())
    assert (retention.days(clickhouse)["trades"], retention.days(clickhouse)["quotes"]) == (365, 0)
    assert retention.apply(clickhouse, load().retention, shorten=True) == ["trades"]
    assert retention.days(clickhouse)["trades"] == 30
    monkeypatch.setenv("TICKHOUSE_RETENTION__TRADES", "20")
    monkeypatch.setenv("TICKHOUSE_ARCHIVE__ENABLED", "false")
    migrate(load())
    assert retention.days(clickhouse)["trades"] == 20


def test_rows_age_out_from_when_they_were_kept(clickhouse):
    trades.write(clickhouse, frame(Dataset.TRADES, [(0, 7, 1), (1, 8, 1)]), DAY)
    clickhouse.command(
        "INSERT INTO trades (instrument, ts_event, trade_id, ts_known, ts_stored)"
        " VALUES (2, now64(9), 1, now64(9), now64(9) - INTERVAL 40 DAY)"
    )
    assert clickhouse.command("SELECT count() FROM trades") == 3
    retention.apply(clickhouse, Retention(trades=30), shorten=True)
    wait_until(lambda: clickhouse.command("SELECT count() FROM trades") == 2, 30, what="the old row to age out")
    assert clickhouse.command("SELECT uniqExact(instrument) FROM trades") == 1

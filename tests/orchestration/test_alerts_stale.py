"""Freshness by instrument, on a real ingest log and real runs."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from assets.resources import ClickHouse
from orchestration import alerts, alerts_digest, alerts_running, alerts_stale
from store import ingest_log, instruments
from store.ingest_log import IngestEntry, IngestState
from tests.assets.test_coverage import spec
from venues import catalogue

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)
FRESH = alerts.Cursor()


def log(client, life, *days, state=IngestState.COMPLETE, dataset="bars", venue="binance"):
    ingest_log.record(client, [IngestEntry(dataset, venue, life, day, state, 1, "", "test") for day in days])


@pytest.fixture
def instance():
    with dg.DagsterInstance.local_temp() as made:
        yield made


@pytest.fixture
def lives(clickhouse):
    return instruments.record(clickhouse, [spec(name) for name in ("A/USDT", "B/USDT", "C/USDT", "D/USDT")])


def collect(instance, before=FRESH, now=NOW):
    return alerts.collect(dg.build_sensor_context(instance=instance), ClickHouse(), before, now)


@pytest.mark.stack
def test_each_instrument_behind_is_named_with_its_last_whole_day(clickhouse, lives, instance):
    fresh, behind, ended, never = (life.id for life in lives)
    instruments.close(clickhouse, ended, valid_to_ns=10**18)
    log(clickhouse, fresh, date(2026, 4, 2))
    log(clickhouse, behind, date(2026, 3, 30))
    log(clickhouse, behind, date(2026, 4, 2), state=IngestState.PARTIAL)
    log(clickhouse, ended, date(2026, 1, 1))
    log(clickhouse, never, date(2026, 4, 1), state=IngestState.QUARANTINED)
    (alert,), _ = collect(instance)
    assert alert.title == "binance bars: B/USDT, nothing whole after 2026-03-30"
    assert alert.tables[0].rows == (("B/USDT", "2026-03-30", "3"),)
    message = alerts_digest.compose([alert], "http://ui")
    assert message.subject == "Tickhouse: binance bars stale: B/USDT, nothing whole after 2026-03-30"
    assert "http://ui/assets/coverage" in message.text
    assert len(message.pictures) == 1


@pytest.mark.stack
def test_it_is_told_once_a_day_for_a_week_and_then_rests(clickhouse, lives, instance):
    log(clickhouse, lives[0].id, date(2026, 4, 1))
    cursor, days = alerts.Cursor(), []
    for later in range(12):
        for hour in (4, 20):
            found, cursor = collect(instance, alerts.Cursor.loads(cursor.dumps()),
                                    NOW.replace(hour=hour) + timedelta(days=later))
            days += [later] if found else []
    assert days == list(range(8))  # the eighth says once more that it rests


@pytest.mark.stack
def test_one_more_instrument_behind_is_news(clickhouse, lives, instance):
    log(clickhouse, lives[0].id, date(2026, 4, 1))
    _, cursor = collect(instance)
    log(clickhouse, lives[1].id, date(2026, 3, 31))
    (alert,), cursor = collect(instance, cursor)
    assert [row[0] for row in alert.tables[0].rows] == ["B/USDT", "A/USDT"]
    log(clickhouse, lives[1].id, date(2026, 4, 2))
    assert collect(instance, cursor)[0] == []


@pytest.mark.stack
def test_nothing_is_stale_in_the_middle_of_its_ingest(clickhouse, lives, instance):
    log(clickhouse, lives[0].id, date(2026, 3, 1))
    log(clickhouse, 0, date(2026, 3, 1), dataset="series/mood", venue="series")
    run = _started(instance, ["binance", "bars_1m"])
    found, cursor = collect(instance)
    assert [alert.title for alert in found] == ["series/mood: whole market, nothing whole after 2026-03-01"]
    instance.report_run_canceled(instance.get_run_by_id(run))
    found, cursor = collect(instance, cursor)
    assert [alert.title for alert in found] == ["binance bars: A/USDT, nothing whole after 2026-03-01"]
    _started(instance, ["binance", "trades"])
    found, cursor = collect(instance, cursor)  # what was told stays told
    assert found == []
    assert len([key for key in cursor.told if key.startswith("stale")]) == 2


def _started(instance, key):
    run_id = dg.DagsterRun(job_name="__ASSET_JOB").run_id
    instance.add_run(dg.DagsterRun(
        job_name="__ASSET_JOB", run_id=run_id, status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({dg.AssetKey(key)}),
    ))
    return run_id


def test_a_run_of_a_job_works_on_all_its_assets(instance):
    @dg.asset(key=["kraken", "trades"], group_name="ingest")
    def trades() -> None: ...

    job = dg.define_asset_job("history", "group:ingest")
    repository = dg.Definitions(assets=[trades], jobs=[job]).get_repository_def()
    instance.add_run(dg.DagsterRun(job_name="history", status=dg.DagsterRunStatus.STARTED))
    instance.add_run(dg.DagsterRun(job_name="gone", status=dg.DagsterRunStatus.STARTED))
    assert alerts_running.venues(instance, repository) == {"kraken"}
    assert alerts_running.venues(instance, None) == set()


def test_until_three_o_clock_the_nightly_ingest_has_time():
    assert alerts_stale.expected_day(datetime(2026, 4, 3, 2, 59, tzinfo=UTC)) == date(2026, 4, 1)
    assert alerts_stale.expected_day(datetime(2026, 4, 3, 3, 0, tzinfo=UTC)) == date(2026, 4, 2)


@pytest.mark.stack
def test_a_publisher_may_be_late(clickhouse, lives):
    log(clickhouse, lives[0].id, date(2026, 4, 1))
    entry = catalogue.Files(
        name="klines", venue="binance", format="binance_klines", path="x", symbols=(), lag_s=36 * 3600
    )
    mood = catalogue.Index(name="m", url="x", time="t", columns={"mood": "v"}, publication_lag_s=3 * 86_400)
    late = alerts_stale.lags(catalogue.Catalogue(files=(entry,), index=(mood,)))
    assert late == {("binance", "bars"): timedelta(hours=36), ("series", "series/mood"): timedelta(days=2)}
    assert alerts_stale.stale(clickhouse, NOW, late) == []
    assert len(alerts_stale.stale(clickhouse, NOW + timedelta(days=2), late)) == 1


def test_a_long_list_is_cut_with_a_count():
    rows = tuple((number, f"COIN{number}", date(2026, 4, 1)) for number in range(100))
    (table,) = alerts_stale.alert(alerts_stale.Stale("binance", "bars", date(2026, 4, 2), rows)).tables
    assert (len(table.rows), table.more) == (20, 80)
    assert len(alerts.Cursor(told=tuple(alerts_stale.Stale("b", "bars", NOW.date(), rows).keys())).dumps()) < 4_000


def test_the_asset_is_linked_where_its_name_tells():
    one = alerts_stale.Stale("binance", "funding_rates", date(2026, 4, 2), ((1, "A", date(2026, 4, 1)),))
    assert alerts_stale.alert(one, {("binance", "funding")}).path == "/assets/binance/funding"

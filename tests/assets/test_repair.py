"""Repairs on a real ClickHouse: exact, refused without whole data, and invisible to readings of before."""

from __future__ import annotations

import time

import dagster as dg
import polars as pl
import pytest

from assets.ingest.feeds import Subject
from assets.quality import repair_job, repairing
from assets.quality.repairing import Order
from assets.quality.targets import Target
from assets.resources import ClickHouse
from infra.errors import TickhouseError
from market.dataset import Dataset
from quality.cross import intervals
from quality.frames import rebuilt, with_day
from store import datasets
from store.ingest_log import IngestState
from tests.assets import stock
from tests.quality.frames import DAY_NS, FIRST, HOUR_NS, MINUTE_NS, START, bars, spoil

pytestmark = pytest.mark.stack

DAY = FIRST.isoformat()


def order(dataset="bars_1h", rebuild_from="bars_5m", **more):
    return Order("binance", "BTC/USDT", dataset, [FIRST], rebuild_from, **more)


def hours(client, as_of_ns=None):
    return datasets.read(client, Dataset.BARS, [1], START, START + DAY_NS, as_of_ns, interval_s=3_600,
                         allow=("partial", "missing", "quarantined"))


@pytest.fixture
def client(clickhouse):
    """Whole 5m bars, and 1h bars of which two are missing."""
    stock.lives(clickhouse, "binance")
    fives = bars(300, days=1)
    stock.put(clickhouse, Dataset.BARS, fives, interval_s=300)
    whole = with_day(intervals.aggregated(fives, 3_600, "test"))
    gap = whole.filter(~pl.col("ts_event").is_in([START + 3 * HOUR_NS, START + 4 * HOUR_NS]))
    stock.put(clickhouse, Dataset.BARS, gap, IngestState.PARTIAL, interval_s=3_600, bars_missing="bars_missing=2")
    return clickhouse


def test_missing_hours_are_rebuilt_exactly_from_whole_five_minutes(client):
    done = repairing.repair(client, order(), "repair-run")
    assert [(one.day, one.bars, one.state) for one in done] == [(FIRST, 2, IngestState.COMPLETE)]
    now = hours(client)
    want = intervals.aggregated(bars(300, days=1), 3_600)
    values = ["ts_event", "open", "high", "low", "close", "volume", "count"]
    assert now.select(values).equals(want.select(values))
    assert now["source"].to_list().count("repaired:bars_5m") == 2
    assert stock.latest(client, "bars_1h") == {DAY: ("complete", "repaired from=bars_5m bars=2")}


def test_readings_as_of_before_the_repair_do_not_change(client):
    before = time.time_ns()
    old = hours(client, before)
    repairing.repair(client, order(), "repair-run")
    assert hours(client, before).equals(old)
    assert hours(client, START + 30 * DAY_NS).height == 22
    assert hours(client, time.time_ns()).height == 24


def test_a_second_repair_changes_nothing(client):
    repairing.repair(client, order(), "one")
    entries = client.query("SELECT count() FROM ingest_log").result_rows
    assert [one.bars for one in repairing.repair(client, order(), "two")] == [0]
    assert client.query("SELECT count() FROM ingest_log").result_rows == entries


def test_finer_bars_that_are_not_whole_are_refused_and_nothing_is_written(client):
    fives = bars(300, days=1).filter(pl.col("ts_event") != START + 3 * HOUR_NS)
    stock.put(client, Dataset.BARS, fives, IngestState.PARTIAL, interval_s=300)
    with pytest.raises(TickhouseError, match="REPAIR_IMPOSSIBLE") as error:
        repairing.repair(client, order(), "repair-run")
    assert "not whole" in str(error.value)
    assert hours(client).height == 22
    assert stock.latest(client, "bars_1h")[DAY][0] == "partial"


def test_a_bar_of_which_only_a_part_is_there_is_refused_whatever_the_log_says(client):
    client.command("ALTER TABLE bars DELETE WHERE interval_s = 300 AND ts_event = fromUnixTimestamp64Nano("
                   f"toInt64({START + 3 * HOUR_NS}), 'UTC') SETTINGS mutations_sync = 2")
    with pytest.raises(TickhouseError, match=r"REPAIR_IMPOSSIBLE .*have=11 need=12"):
        repairing.repair(client, order(), "repair-run")


@pytest.mark.parametrize(("dataset", "rebuild_from"), [
    ("bars_5m", "bars_1h"), ("bars_5m", "bars_5m"), ("trades", "bars"), ("bars_1h", "quotes"), ("bars_1w", "bars"),
])
def test_what_cannot_be_rebuilt_is_refused(client, dataset, rebuild_from):
    with pytest.raises(TickhouseError, match="REPAIR_IMPOSSIBLE"):
        repairing.repair(client, order(dataset, rebuild_from), "r")


def test_missing_minutes_are_rebuilt_from_whole_trades_and_silent_ones_stay_out(clickhouse):
    stock.lives(clickhouse, "binance")
    trades = stock.trades().filter(pl.col("ts_event") // MINUTE_NS != START // MINUTE_NS + 9)
    stock.put(clickhouse, Dataset.TRADES, trades)
    made = with_day(rebuilt(trades, 60, "test"))
    stock.put(clickhouse, Dataset.BARS, made.filter(pl.col("ts_event") > START + 5 * MINUTE_NS), IngestState.PARTIAL)
    (done,) = repairing.repair(clickhouse, order("bars", "trades"), "r")
    assert (done.bars, done.state) == (6, IngestState.PARTIAL)
    now = datasets.read(clickhouse, Dataset.BARS, [1], START, START + DAY_NS, allow=("partial",))
    assert now.height == 1439
    assert START + 9 * MINUTE_NS not in now["ts_event"].to_list()


def test_bars_that_differ_are_revised_only_on_demand(clickhouse):
    stock.lives(clickhouse, "binance")
    trades = stock.trades()
    stock.put(clickhouse, Dataset.TRADES, trades)
    made = with_day(rebuilt(trades, 60, "test"))
    stock.put(clickhouse, Dataset.BARS, spoil(made, 7, high=9_000_000), IngestState.QUARANTINED)
    assert [one.bars for one in repairing.repair(clickhouse, order("bars", "trades"), "r")] == [0]
    before = time.time_ns()
    (done,) = repairing.repair(clickhouse, order("bars", "trades", replace=True), "r")
    assert (done.bars, done.state) == (1, IngestState.COMPLETE)
    high = {}
    for moment in (before, None):
        rows = datasets.read(clickhouse, Dataset.BARS, [1], START, START + DAY_NS, moment)
        high[moment] = rows["high"][7]
    assert high == {before: 9_000_000, None: made["high"][7]}


def test_the_job_takes_its_order_from_the_launchpad(client):
    target = Target(dg.AssetKey(["binance", "bars_1h"]), "binance", Subject(Dataset.BARS, 3_600))
    job = repair_job.build([target])
    config = {"venue": "binance", "symbol": "BTC/USDT", "dataset": "bars_1h", "first": DAY, "rebuild_from": "bars_5m"}
    instance = dg.DagsterInstance.ephemeral()
    result = job.execute_in_process(
        run_config={"ops": {"rebuild": {"config": config}}}, resources={"clickhouse": ClickHouse()}, instance=instance
    )
    assert result.success
    (told,) = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
    observation = told.event_specific_data.asset_observation
    assert (observation.partition, observation.metadata["bars"].value) == (DAY, 2)

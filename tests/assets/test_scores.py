"""Scores of days in ClickHouse, and the asset that writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import dagster as dg
import polars as pl
import pytest

from assets.ingest.feeds import Subject
from assets.quality import scored, scoring
from assets.quality.targets import Target
from assets.resources import ClickHouse
from market.dataset import Dataset
from market.instrument import InstrumentKind
from quality import record
from quality.gate import Finding
from quality.rule import Severity
from store import ingest_log, instruments
from store.ingest_log import IngestEntry, IngestState
from tests.assets import stock
from tests.quality.frames import FIRST, SECOND, START, bars, funding, life

pytestmark = pytest.mark.stack

KEY = dg.AssetKey(["binance", "bars_1m"])
BARS = Target(KEY, "binance", Subject(Dataset.BARS), ("BTC/USDT", "ETH/USDT"))
FUNDING = Target(dg.AssetKey(["binance", "funding"]), "binance", Subject(Dataset.FUNDING_RATES), ("BTC/USDT",))
TRADES = Target(dg.AssetKey(["binance", "trades"]), "binance", Subject(Dataset.TRADES), ("BTC/USDT", "NEW/USDT"))


@pytest.fixture
def client(clickhouse):
    two = replace(life(), id=2, symbol="ETH/USDT", venue_symbol="ETHUSDT", valid_from=1)
    ended = replace(two, id=3, symbol="OLD/USDT", valid_to=START - 1)
    instruments.write(clickhouse, [(replace(life(), valid_from=1), 1), (two, 1), (ended, 1)])
    return clickhouse


def scores(client, *targets, days=(FIRST,)):
    found = scoring.scores(client, targets, instruments.load(client), days)
    return {(one.dataset, one.day): one.score for one in found}


def test_a_day_of_two_instruments_of_which_one_was_never_asked_for(client):
    stock.put(client, Dataset.BARS, bars(days=1))
    found = scores(client, BARS)["bars", FIRST]
    assert (found.completeness, found.accuracy, found.timeliness) == (0.5, 1.0, 0.5)
    assert (found.instruments, found.rows, found.expected_rows) == (2, 1440, 2880)


def test_a_partial_day_counts_by_its_rows(client):
    stock.put(client, Dataset.BARS, bars(days=1).head(1296), IngestState.PARTIAL, bars_missing="bars_missing=144")
    only = replace(BARS, symbols=("BTC/USDT",))
    assert scores(client, only)["bars", FIRST].completeness == pytest.approx(0.9)


def test_silent_minutes_are_not_missing(client):
    day = IngestEntry("bars", "binance", 1, FIRST, IngestState.COMPLETE, 1400, "x", "t", detail="silent_minutes=40")
    ingest_log.record(client, [day])
    found = scores(client, replace(BARS, symbols=("BTC/USDT",)))["bars", FIRST]
    assert (found.completeness, found.expected_rows) == (1.0, 1400)


def test_trades_have_no_grid_but_numbers(client):
    stock.put(client, Dataset.TRADES, stock.trades().head(900), IngestState.PARTIAL,
              numbers_missing="numbers_missing=100")
    found = scores(client, TRADES)["trades", FIRST]
    assert (found.completeness, found.expected_rows, found.instruments) == (pytest.approx(0.9), 1000, 1)


def test_rows_that_an_error_accuses_take_from_accuracy(clickhouse):
    client = clickhouse
    perpetual = replace(life(), kind=InstrumentKind.LINEAR, settle="USDT", valid_from=1)
    instruments.write(client, [(perpetual, 1)])
    stock.put(client, Dataset.FUNDING_RATES, funding(), IngestState.QUARANTINED)
    record.findings(client, "funding_rates", "binance",
                    [Finding("funding_grid", Severity.ERROR, 1, FIRST, 3, "3", "")], "r")
    found = scores(client, FUNDING, days=(FIRST, SECOND))
    assert (found["funding_rates", FIRST].accuracy, found["funding_rates", FIRST].completeness) == (0.0, 0.0)
    assert found["funding_rates", SECOND].accuracy == 1.0


def test_a_day_that_became_whole_too_late_is_not_on_time(client):
    stock.put(client, Dataset.BARS, bars(days=1), IngestState.PARTIAL)
    client.command("ALTER TABLE ingest_log DELETE WHERE 1 SETTINGS mutations_sync = 2")
    early = {"dataset": "bars", "venue": "binance", "instrument": 1, "day": FIRST, "rows": 1440, "content_hash": "",
             "source": "", "run_id": "", "detail": ""}
    from store import writer

    hour = 3_600 * 10**9
    for state, hours in ((3, 25), (1, 36)):  # after the day began
        writer.insert(client, "ingest_log", pl.DataFrame([{**early, "state": state}]).with_columns(
            pl.col("state").cast(pl.Int8), ts_stored=pl.lit(START + hours * hour)
        ))
    found = scores(client, replace(BARS, symbols=("BTC/USDT",)))["bars", FIRST]
    assert (found.completeness, found.timeliness) == (1.0, 0.0)


def test_a_backfill_is_on_time_by_when_it_was_asked(client):
    stock.put(client, Dataset.BARS, bars(days=1))
    assert scores(client, replace(BARS, symbols=("BTC/USDT",)))["bars", FIRST].timeliness == 1.0


def test_the_asset_writes_scores_and_says_whether_the_goal_is_met(client):
    stock.put(client, Dataset.BARS, bars())
    days = dg.DailyPartitionsDefinition("2026-01-01")
    made = scored.definitions([BARS], days)

    @dg.asset(key=KEY, partitions_def=days)
    def ingested() -> None:
        pass

    assets = [ingested, *(made.assets or [])]
    result = dg.materialize(
        assets, selection=dg.AssetSelection.keys("quality_scores"), resources={"clickhouse": ClickHouse()},
        tags={"dagster/asset_partition_range_start": FIRST.isoformat(),
              "dagster/asset_partition_range_end": (FIRST + timedelta(days=1)).isoformat()},
    )
    (event,) = result.get_asset_check_evaluations()
    assert (event.passed, event.severity) == (False, dg.AssetCheckSeverity.WARN)
    (material,) = result.asset_materializations_for_node("quality_scores")[:1]
    assert material.metadata["goal_met"].value is False
    rows = client.query("SELECT day, completeness, expected_rows FROM quality_scores ORDER BY day").result_rows
    assert rows == [(FIRST, 0.5, 2880), (SECOND, 0.5, 2880)]

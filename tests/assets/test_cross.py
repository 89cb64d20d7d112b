"""Days held against other data in ClickHouse: what is quarantined, what is proved whole, what is left alone."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl
import pytest

from assets.ingest.feeds import Subject
from assets.quality import definitions, targets
from assets.quality.targets import Target
from infra.errors import TickhouseError
from infra.settings import Venue
from market.dataset import Dataset
from quality.cross import intervals
from quality.frames import rebuilt, with_day
from quality.gate import check_result
from quality.rule import Severity
from store import datasets
from store.ingest_log import IngestState
from tests.assets import stock
from tests.quality import recorded
from tests.quality.frames import FIRST, MINUTE_NS, START, bars, funding, spoil
from venues.catalogue import Catalogue, Feed, Files, Rest

pytestmark = pytest.mark.stack

DAY = FIRST.isoformat()
BARS = Target(dg.AssetKey(["binance", "bars_1m"]), "binance", Subject(Dataset.BARS))
HOURS = Target(dg.AssetKey(["binance", "bars_1h"]), "binance", Subject(Dataset.BARS, 3_600))
FUNDING = Target(dg.AssetKey(["binance", "funding"]), "binance", Subject(Dataset.FUNDING_RATES))


def cross(client, target=BARS, run_id="cross-run"):
    found = definitions.cross(client, target, date(1970, 1, 1), date(2100, 1, 1), run_id)
    return {f.rule: f for f in found if not f.passed}


@pytest.fixture
def stocked(clickhouse):
    stock.lives(clickhouse, "binance", "kraken", "okx")
    trades = stock.trades()
    made = with_day(rebuilt(trades, 60, "test"))
    stock.put(clickhouse, Dataset.TRADES, trades)
    return clickhouse, made


def test_bars_that_agree_stay_complete_and_are_not_looked_at_twice(stocked):
    client, made = stocked
    stock.put(client, Dataset.BARS, made)
    assert cross(client) == {}
    assert stock.latest(client) == {DAY: ("complete", "")}
    verdicts = client.query("SELECT count() FROM quality_results WHERE run_id = 'cross-run'").result_rows[0][0]
    assert verdicts > 5
    assert definitions.cross(client, BARS, date(1970, 1, 1), date(2100, 1, 1), "again") == []


def test_a_bar_that_its_trades_do_not_make_quarantines_the_day_and_readers_refuse_it(stocked):
    client, made = stocked
    stock.put(client, Dataset.BARS, spoil(made, 7, high=made["high"][7] + 5))
    found = cross(client)
    assert found["bars_against_trades"].severity is Severity.ERROR
    assert stock.latest(client) == {DAY: ("quarantined", "cross=bars_against_trades")}
    with pytest.raises(TickhouseError, match="DATA_NOT_COMPLETE"):
        datasets.read(client, Dataset.BARS, [1], START, START + MINUTE_NS)
    kept = datasets.read(client, Dataset.BARS, [1], START, START + 1440 * MINUTE_NS, allow=("quarantined",))
    assert kept.height == made.height
    result = check_result(tuple(found.values()), "cross", BARS.key)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)


def test_missing_minutes_without_a_trade_make_a_partial_day_complete(clickhouse):
    stock.lives(clickhouse, "kraken")
    trades = stock.trades().filter((pl.col("ts_event") // MINUTE_NS) % 10 != 3)
    made = with_day(rebuilt(trades, 60, "test"))
    stock.put(clickhouse, Dataset.TRADES, trades, venue="kraken")
    stock.put(clickhouse, Dataset.BARS, made, IngestState.PARTIAL, venue="kraken", bars_missing="bars_missing=144")
    target = Target(dg.AssetKey(["kraken", "bars_1m"]), "kraken", Subject(Dataset.BARS))
    assert cross(clickhouse, target) == {}
    assert stock.latest(clickhouse) == {DAY: ("complete", "silent_minutes=144")}


def test_missing_minutes_with_trades_leave_the_day_partial(stocked):
    client, made = stocked
    fewer = made.filter(pl.col("ts_event") != START + 5 * MINUTE_NS)
    stock.put(client, Dataset.BARS, fewer, IngestState.PARTIAL, bars_missing="bars_missing=1")
    assert set(cross(client)) == {"gaps_verified"}
    assert stock.latest(client) == {DAY: ("partial", "")}


def test_silence_does_not_excuse_another_warning(stocked):
    client, made = stocked
    stock.put(client, Dataset.BARS, made, IngestState.PARTIAL, bars_missing="x", day_has_ended="x")
    assert cross(client) == {}
    assert stock.latest(client) == {DAY: ("partial", "")}


def test_trades_that_are_not_whole_prove_nothing(clickhouse):
    stock.lives(clickhouse, "binance")
    trades = stock.trades()
    stock.put(clickhouse, Dataset.TRADES, trades.head(100), IngestState.PARTIAL)
    stock.put(clickhouse, Dataset.BARS, with_day(rebuilt(trades, 60)))
    assert cross(clickhouse) == {}
    assert stock.latest(clickhouse) == {DAY: ("complete", "")}


def test_trades_that_come_later_bring_the_day_up_again(stocked):
    client, made = stocked
    wrong = spoil(made, 7, close=made["close"][7] + 1, high=made["high"][7] + 5)
    client.command("TRUNCATE TABLE ingest_log")
    client.command("TRUNCATE TABLE trades")
    stock.put(client, Dataset.BARS, wrong)
    assert cross(client) == {}
    stock.put(client, Dataset.TRADES, stock.trades())
    assert "bars_against_trades" in cross(client)
    assert stock.latest(client)[DAY][0] == "quarantined"


def test_longer_bars_are_held_against_shorter_ones(stocked):
    client, made = stocked
    stock.put(client, Dataset.BARS, made)
    hours = with_day(intervals.aggregated(made, 3_600, "test"))
    stock.put(client, Dataset.BARS, spoil(hours, 3, low=1), interval_s=3_600)
    assert set(cross(client, HOURS)) == {"higher_against_lower", "bars_against_trades"}
    assert stock.latest(client, "bars_1h")[DAY][0] == "quarantined"
    assert stock.latest(client, "bars")[DAY][0] == "complete"


def test_a_close_that_two_other_venues_contradict_is_quarantined(clickhouse):
    stock.lives(clickhouse, "binance", "kraken", "okx")
    good = bars(days=1)
    for number, venue in ((2, "kraken"), (3, "okx")):
        named = good.with_columns(instrument=pl.lit(number, dtype=pl.UInt32))
        stock.put(clickhouse, Dataset.BARS, named, venue=venue)
    stock.put(clickhouse, Dataset.BARS, spoil(good, 9, close=3_000_000, high=3_000_000))
    assert set(cross(clickhouse)) == {"cross_venue", "cross_venue_absurd"}
    assert stock.latest(clickhouse)[DAY] == ("quarantined", "cross=cross_venue_absurd")


def test_funding_in_another_zone_is_quarantined(clickhouse):
    stock.lives(clickhouse, "binance")
    stock.put(clickhouse, Dataset.FUNDING_RATES, funding(shift_h=3))
    assert set(cross(clickhouse, FUNDING)) == {"funding_shift"}
    assert {state for state, _ in stock.latest(clickhouse, "funding_rates").values()} == {"quarantined"}


def test_the_check_in_dagster_blocks_what_comes_after_and_keeps_failing(stocked):
    client, made = stocked
    stock.put(client, Dataset.BARS, spoil(made, 7, high=made["high"][7] + 5))
    day = dg.DailyPartitionsDefinition("2026-01-01")

    @dg.asset(key=["binance", "bars_1m"], partitions_def=day)
    def ingested() -> None:
        pass

    @dg.asset(partitions_def=day, deps=[ingested])
    def after() -> None:
        pass

    venue = Venue(name="binance", symbols=["BTC/USDT"])
    (check,) = [one for one in definitions.build(venue, Catalogue())
                if next(iter(one.check_keys)).asset_key == BARS.key]
    from assets.resources import ClickHouse

    for _ in range(2):
        result = dg.materialize(
            [ingested, after, check], partition_key=DAY, resources={"clickhouse": ClickHouse()}, raise_on_error=False
        )
        (evaluation,) = result.get_asset_check_evaluations()
        assert not evaluation.passed
        assert evaluation.severity is dg.AssetCheckSeverity.ERROR
        assert "bars_against_trades" in evaluation.metadata["quarantined"].text
        assert [event.asset_key.path[-1] for event in result.get_asset_materialization_events()] == ["bars_1m"]


def test_each_asset_of_bars_or_funding_has_its_check():
    catalogue = Catalogue(
        rest=(Rest(venue="okx", symbols=("BTC/USDT",), feeds=(Feed(dataset=Dataset.BARS, interval_s=3_600),)),),
        files=(Files(name="bulk", venue="binance", format="binance_klines", path="x", symbols=("BTC/USDT",)),),
    )
    venue = Venue(name="binance", symbols=["BTC/USDT"])
    checks = definitions.build(venue, catalogue)
    keys = {key.asset_key.to_user_string() for one in checks for key in one.check_keys}
    assert keys == {"binance/bars_1m", "binance/funding", "okx/bars_1h", "binance/bulk"}
    # Files of the same bars wait for these bars, so these do not wait for the files: both could not be planned.
    every = targets.every(venue, catalogue)
    assert targets.beside(BARS, every) == [dg.AssetKey(["binance", "trades"])]
    assert BARS.key in targets.beside(HOURS, [*every, HOURS])


@pytest.mark.parametrize(("tags", "span"), [
    ({"dagster/partition": "2026-01-05"}, (date(2026, 1, 5), date(2026, 1, 5))),
    ({"dagster/asset_partition_range_start": "2026-01-05", "dagster/asset_partition_range_end": "2026-01-07"},
     (date(2026, 1, 5), date(2026, 1, 7))),
    ({}, (date(1970, 1, 1), date(2100, 1, 1))),
])
def test_the_days_of_a_run_are_those_of_its_partitions(tags, span):
    assert definitions.span(tags) == span


@pytest.mark.recordings
def test_recorded_days_with_silent_minutes_are_proved_complete(clickhouse, recordings):
    stock.lives(clickhouse, "binance")
    of = recorded.life("binance", "XRP/ETH")
    folder = recordings / "freqtrade+freqtrade/tests/testdata"
    trades = recorded.read(folder / "XRP_ETH-trades.feather", "freqtrade_feather", of, Dataset.TRADES, rounded=True)
    made = recorded.read(folder / "XRP_ETH-1m.feather", "freqtrade_feather", of, Dataset.BARS, rounded=True)
    stock.put(clickhouse, Dataset.TRADES, trades)
    stock.put(clickhouse, Dataset.BARS, made, IngestState.PARTIAL, bars_missing="bars_missing")
    assert cross(clickhouse) == {}
    states = stock.latest(clickhouse)
    assert {state for state, _ in states.values()} == {"complete"}
    silent = sum(int(detail.removeprefix("silent_minutes=")) for _, detail in states.values())
    assert silent == 1_440 * len(states) - 2_469

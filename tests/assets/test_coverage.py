"""Grids out of a real ingest log, and the asset that draws them."""

import base64
import io
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
import pytest
from PIL import Image

from assets import coverage, coverage_log
from assets.coverage_errors import CoverageCode
from assets.coverage_grid import Mark
from assets.resources import ClickHouse
from infra.errors import TickhouseError
from infra.home import Home
from market.instrument import InstrumentKind, InstrumentSpec, Status
from store import ingest_log, instruments, writer
from store.ingest_log import IngestEntry, IngestState

pytestmark = pytest.mark.stack
DAY_NS = 86_400_000_000_000


def spec(symbol, valid_from=0, venue="binance"):
    return InstrumentSpec(
        venue=venue, symbol=symbol, venue_symbol="x", kind=InstrumentKind.LINEAR, base="x", quote="USDT",
        settle="USDT", price_scale=2, qty_scale=3, contract_size=10**8, tick=10, lot=1, min_qty=1, max_qty=10**9,
        min_notional=10**6, maker_fee_ppm=200, taker_fee_ppm=500, status=Status.TRADING, valid_from=valid_from,
    )


def ns(day):
    return int(datetime(2026, 9, day, tzinfo=UTC).timestamp()) * 10**9


def log(client, instrument, days, state=IngestState.COMPLETE, dataset="bars", venue="binance"):
    ingest_log.record(
        client, [IngestEntry(dataset, venue, instrument, date(2026, 9, day), state, 1, "", "test") for day in days]
    )


def lines(grid):
    letters = {Mark.NOT_DUE: " ", Mark.VERIFIED_EMPTY: "e", Mark.COMPLETE: "c", Mark.PARTIAL: "p", Mark.MISSING: "m",
               Mark.QUARANTINED: "q"}
    return {row.name: "".join(letters[Mark(int(mark))] for mark in marks)
            for row, marks in zip(grid.rows, grid.marks, strict=True)}


def test_the_newest_entry_counts_and_no_entry_is_missing(clickhouse):
    one, two, never = instruments.record(clickhouse, [spec("A/USDT"), spec("B/USDT"), spec("C/USDT")])
    log(clickhouse, one.id, [1, 2], IngestState.QUARANTINED)
    log(clickhouse, one.id, [1, 4])
    log(clickhouse, two.id, [2], IngestState.VERIFIED_EMPTY)
    log(clickhouse, two.id, [3], IngestState.PARTIAL)
    log(clickhouse, two.id, [5], dataset="trades")
    bars, trades = coverage_log.grids(clickhouse)
    assert (bars.dataset, bars.first, bars.last) == ("bars", date(2026, 9, 1), date(2026, 9, 4))
    assert lines(bars) == {"A/USDT": "cqmc", "B/USDT": "mepm"}
    assert bars.never == (never.symbol,)
    assert lines(trades) == {"B/USDT": "c"}


def test_days_before_a_second_life_and_after_the_end_of_a_first_are_not_due(clickhouse):
    (old,) = instruments.record(clickhouse, [spec("LUNA/USDT", ns(1))])
    instruments.close(clickhouse, old.id, valid_to_ns=ns(3) + DAY_NS // 2)
    (new,) = instruments.record(clickhouse, [spec("LUNA/USDT", ns(5))])
    log(clickhouse, old.id, [1, 3])
    log(clickhouse, new.id, [6])
    (grid,) = coverage_log.grids(clickhouse)
    assert lines(grid) == {f"LUNA/USDT #{old.id}": "cmc   ", f"LUNA/USDT #{new.id}": "    mc"}


def test_given_days_widen_and_cut(clickhouse):
    (one,) = instruments.record(clickhouse, [spec("A/USDT")])
    log(clickhouse, one.id, [3, 4, 5])
    (grid,) = coverage_log.grids(clickhouse, since=date(2026, 9, 2), until=date(2026, 9, 4))
    assert lines(grid) == {"A/USDT": "mcc"}


def test_datasets_and_venues_are_chosen_by_name(clickhouse):
    assert coverage_log.grids(clickhouse) == []
    log(clickhouse, 0, [1], dataset="series/fear_greed", venue="series")
    log(clickhouse, 7, [1], venue="kraken")
    assert [grid.name for grid in coverage_log.grids(clickhouse)] == ["kraken bars", "series/fear_greed"]
    (series,) = coverage_log.grids(clickhouse, dataset="series")
    assert lines(series) == {"whole market": "c"}
    assert [grid.venue for grid in coverage_log.grids(clickhouse, venue="kraken")] == ["kraken"]
    with pytest.raises(TickhouseError) as caught:
        coverage_log.grids(clickhouse, dataset="bar")
    assert caught.value.code is CoverageCode.COVERAGE_UNKNOWN
    assert "kraken:bars" in str(caught.value)


def verdict(client, instrument, day, rule, passed, stored):
    writer.insert(client, "quality_results", pl.DataFrame({
        "dataset": "bars", "venue": "binance", "instrument": [instrument], "day": [date(2026, 9, day)],
        "check_name": rule, "severity": pl.Series([3], dtype=pl.Int8), "passed": passed, "observed": "", "expected": "",
        "failing_rows": 1, "run_id": "r", "ts_stored": stored,
    }))


def test_a_hole_names_the_rules_that_still_fail(clickhouse):
    (one,) = instruments.record(clickhouse, [spec("A/USDT")])
    log(clickhouse, one.id, [1, 3])
    log(clickhouse, one.id, [2], IngestState.QUARANTINED)
    verdict(clickhouse, one.id, 2, "positive", passed=False, stored=1)
    verdict(clickhouse, one.id, 2, "positive", passed=True, stored=2)
    verdict(clickhouse, one.id, 2, "ohlc", passed=False, stored=2)
    verdict(clickhouse, one.id, 2, "grid", passed=False, stored=2)
    (grid,) = coverage_log.grids(clickhouse)
    assert coverage_log.reasons(clickhouse, grid, grid.holes()) == ["grid, ohlc"]
    assert coverage_log.reasons(clickhouse, grid, []) == []


def test_the_asset_draws_every_dataset_and_counts(clickhouse, settings):
    (one,) = instruments.record(clickhouse, [spec("A/USDT")])
    log(clickhouse, one.id, [1, 3])
    log(clickhouse, one.id, [1], IngestState.QUARANTINED, dataset="bars_1h")
    (asset,) = coverage.definitions().assets
    result = dg.materialize([asset], resources={"clickhouse": ClickHouse()})
    told = result.asset_materializations_for_node("coverage")[0].metadata
    assert told["instrument_days"].value == 4
    assert told["whole_share"].value == 0.5
    assert (told["complete"].value, told["missing"].value, told["quarantined"].value) == (2, 1, 1)
    assert [record.data["state"] for record in told["first_holes"].records] == ["quarantined", "missing"]
    shown = told["binance bars"].md_str.partition("base64,")[2].rstrip(")")
    file = Home(settings.home).reports / "coverage" / "binance-bars.png"
    assert file.read_bytes() == base64.b64decode(shown)
    assert Image.open(io.BytesIO(file.read_bytes())).width == 1200
    assert (file.parent / "binance-bars_1h.png").is_file()


def test_the_asset_comes_after_those_that_ingest():
    @dg.asset(key=["binance", "bars_1m"], group_name="ingest")
    def bars() -> None: ...

    @dg.asset(group_name="features")
    def features() -> None: ...

    made = coverage.definitions([bars, features, object()])
    (asset,) = made.assets
    assert asset.dependency_keys == {dg.AssetKey(["binance", "bars_1m"])}
    assert [schedule.cron_schedule for schedule in made.schedules] == ["30 2 * * *"]


def test_the_asset_of_an_empty_log_says_so(clickhouse):
    (asset,) = coverage.definitions().assets
    told = dg.materialize([asset], resources={"clickhouse": ClickHouse()}).asset_materializations_for_node("coverage")
    assert told[0].metadata["instrument_days"].value == 0

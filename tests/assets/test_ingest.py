"""Ingest: a range is one run, twice is once, and a bad day is kept out without holding back the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.errors import TickhouseError
from store import bars, ingest_log
from store.ingest_log import IngestState
from tests.assets.conftest import failure
from tests.assets.tape import DAY_NS, DAYS, FIRST, SYMBOLS, day_ns, on
from venues.errors import VenueCode

pytestmark = pytest.mark.stack

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
RANGE = {"first": DAYS[0], "last": DAYS[2]}


def count(client, table):
    return client.command(f"SELECT count() FROM {table}")  # noqa: S608 - a test's own words


def told(result, name):
    """What the bars' materialisations say, by day."""
    return [event.metadata[name].value for event in result.asset_materializations_for_node("binance__bars_1m")]


def states(client, dataset):
    return ingest_log.states(client, dataset, "binance", FIRST, FIRST + timedelta(days=30))


def spoiled(day, **values):
    """A fault: the first instrument's fifth row of that day gets these values."""

    def change(rows):
        if rows["instrument"][0] == 1:
            place = on(day, rows).argmax() + 5
            if on(day, rows).any():
                for name, value in values.items():
                    rows[name][place] = value
        return rows

    return change


def test_a_range_is_one_run_with_every_day_recorded(batch, clickhouse):
    result = batch.run("binance/bars_1m", "binance/trades", "binance/funding", **RANGE)
    assert result.success
    assert count(clickhouse, "bars") == 3 * 1440 * len(SYMBOLS)
    assert count(clickhouse, "trades") == 3 * 500 * len(SYMBOLS)
    assert count(clickhouse, "funding_rates") == 3 * 3 * len(SYMBOLS)
    for dataset in ("bars", "trades", "funding_rates"):
        assert set(states(clickhouse, dataset).values()) == {IngestState.COMPLETE}
        assert len(states(clickhouse, dataset)) == 3 * len(SYMBOLS)
    assert batch.materialised("binance/bars_1m") == list(DAYS)
    assert told(result, "dagster/partition_row_count") == [1440 * len(SYMBOLS)] * 3
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert count(clickhouse, "quality_results WHERE passed") == count(clickhouse, "quality_results")


def test_the_second_time_changes_nothing(batch, clickhouse):
    batch.run("binance/bars_1m", **RANGE)
    before = {table: count(clickhouse, table) for table in ("bars", "ingest_log", "quality_results")}
    result = batch.run("binance/bars_1m", **RANGE)
    assert told(result, "changes") == ["2 kept"] * 3
    assert told(result, "rows_written") == [0] * 3
    asked = len(batch.tape.asked)
    result = batch.run("binance/bars_1m", recheck=True, **RANGE)
    assert told(result, "changes") == ["2 unchanged"] * 3
    assert told(result, "rows_written") == [0] * 3
    assert len(batch.tape.asked) == asked + len(SYMBOLS)
    assert {table: count(clickhouse, table) for table in before} == before


def test_a_bad_day_is_kept_out_and_the_others_are_published(batch, clickhouse):
    batch.tape.faults["bars"] = spoiled(SECOND, volume=-7)
    result = batch.run("binance/bars_1m", **RANGE)
    assert not result.success
    assert f"DATA_QUARANTINED asset=binance/bars_1m days=1 first={SECOND}" in failure(result)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert batch.materialised("binance/bars_1m") == [DAYS[0], DAYS[2]]
    found = states(clickhouse, "bars")
    assert found[1, SECOND] is IngestState.QUARANTINED
    assert {state for key, state in found.items() if key != (1, SECOND)} == {IngestState.COMPLETE}
    assert count(clickhouse, "bars") == (3 * len(SYMBOLS) - 1) * 1440
    ((reason, payload),) = clickhouse.query("SELECT reason, payload FROM quarantine").result_rows
    assert reason == "volume_not_negative"
    assert '"volume": -7' in payload
    assert len(bars.read(clickhouse, [1, 2], day_ns(FIRST), day_ns(FIRST) + DAY_NS)) == 2880
    with pytest.raises(TickhouseError, match="DATA_NOT_COMPLETE"):
        bars.read(clickhouse, [1], day_ns(SECOND), day_ns(SECOND) + DAY_NS)


def test_a_bad_day_comes_right_when_the_venue_does(batch, clickhouse):
    batch.tape.faults["bars"] = spoiled(SECOND, high=0)
    batch.run("binance/bars_1m", **RANGE)
    del batch.tape.faults["bars"]
    assert batch.run("binance/bars_1m", first=DAYS[1]).success
    assert states(clickhouse, "bars")[1, SECOND] is IngestState.COMPLETE
    assert batch.materialised("binance/bars_1m") == list(DAYS)


def test_a_revision_is_a_new_row_and_the_past_stays_as_it_was_known(batch, clickhouse):
    batch.run("binance/bars_1m", first=DAYS[0])
    as_known = day_ns(SECOND) + DAY_NS
    span = ([1], day_ns(FIRST), day_ns(FIRST) + DAY_NS)
    before = bars.read(clickhouse, *span, as_of_ns=as_known)
    batch.tape.faults["bars"] = spoiled(FIRST, volume=4321)
    assert told(batch.run("binance/bars_1m", first=DAYS[0]), "changes") == ["2 kept"]
    result = batch.run("binance/bars_1m", first=DAYS[0], recheck=True)
    assert told(result, "rows_written") == [1]
    assert told(result, "changes") == ["1 revised, 1 unchanged"]
    assert bars.read(clickhouse, *span, as_of_ns=as_known).equals(before)
    assert bars.read(clickhouse, *span)["volume"][5] == 4321


def test_missing_minutes_make_a_day_partial_and_warn(batch, clickhouse):
    batch.tape.faults["bars"] = lambda rows: rows[~(on(SECOND, rows) & (rows["ts_event"] % DAY_NS < DAY_NS // 2))]
    result = batch.run("binance/bars_1m", **RANGE)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity.value) == (False, "WARN")
    assert states(clickhouse, "bars")[1, SECOND] is IngestState.PARTIAL
    assert states(clickhouse, "bars")[1, THIRD] is IngestState.COMPLETE


def test_a_day_that_still_runs_by_the_venues_clock_is_partial_and_complete_when_it_has_ended(batch, clickhouse):
    batch.tape.clock = day_ns(THIRD) + DAY_NS - 1
    result = batch.run("binance/trades", **RANGE)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity.value) == (False, "WARN")
    assert states(clickhouse, "trades")[1, SECOND] is IngestState.COMPLETE
    assert states(clickhouse, "trades")[1, THIRD] is IngestState.PARTIAL
    batch.tape.clock += 1
    assert batch.run("binance/trades", **RANGE).success
    assert states(clickhouse, "trades")[1, THIRD] is IngestState.COMPLETE


def test_an_empty_day_is_asked_for_twice_and_called_empty(batch, clickhouse):
    batch.tape.faults["trades"] = lambda rows: rows[~on(SECOND, rows)]
    assert batch.run("binance/trades", **RANGE).success
    assert states(clickhouse, "trades")[1, SECOND] is IngestState.VERIFIED_EMPTY
    again = [ask for ask in batch.tape.asked if ask[2:] == (day_ns(SECOND), day_ns(SECOND) + DAY_NS)]
    assert len(again) == len(SYMBOLS)


def test_a_venue_that_fails_halfway_keeps_what_was_published(batch, clickhouse):
    def breaks(rows):
        if rows["instrument"][0] == 2:
            raise TickhouseError(VenueCode.VENUE_UNREACHABLE, venue="binance")
        return rows

    batch.tape.faults["bars"] = breaks
    said = failure(batch.run("binance/bars_1m", **RANGE))
    assert "INGEST_INCOMPLETE asset=binance/bars_1m troubles=1 first=ETH/USDT:USDT bars" in said
    assert "VENUE_UNREACHABLE" in said
    assert {key[0] for key in states(clickhouse, "bars")} == {1}
    batch.tape.faults.clear()
    result = batch.run("binance/bars_1m", **RANGE)
    assert told(result, "changes") == ["1 kept, 1 new"] * 3


def test_without_instruments_the_error_says_what_to_do(clickhouse):
    from tests.assets.conftest import Batch
    from tests.assets.tape import Tape

    result = Batch(Tape()).run("binance/bars_1m", first=DAYS[0])
    assert "INGEST_INSTRUMENTS_MISSING venue=binance" in failure(result)
    assert "materialise the venue's asset `instruments` first" in failure(result)

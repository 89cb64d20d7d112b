"""Bad files: named with their line, nothing half-written, the other days published, the second run takes the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset
from store import datasets
from tests.assets.bulk import DAY_NS, DAYS, Publisher, klines, materialised, packed
from tests.assets.conftest import failure
from tests.assets.tape import FIRST, SYMBOLS, day_ns

pytestmark = pytest.mark.stack
BAD = DAYS[1]


@pytest.fixture
def publisher(clickhouse, tmp_path) -> Publisher:
    return Publisher(tmp_path, clickhouse)


def header(text):
    names = ("open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
             "taker_buy_quote_volume,ignore")
    return f"{names}\n{text}"


def half_in_microseconds(day):
    return klines(day, range(12)) + klines(day, range(12, 24), unit=1_000)


# What is published for the bad day, the code that names it, and what the error says beside the file's name.
BROKEN = {
    "an error page": (
        lambda day: "<!DOCTYPE html><html><body>404 Not Found</body></html>", "FILE_NOT_DATA", "<!DOCTYPE"
    ),
    "a JSON error": (lambda day: '{"code":-1003,"msg":"Too many requests"}', "FILE_NOT_DATA", "Too many requests"),
    "another header": (
        lambda day: header(klines(day)).replace("volume,close_time", "turnover,close_time", 1), "FILE_HEADER_CHANGED",
        "turnover",
    ),
    "a column less": (lambda day: klines(day).replace(",120,0.7,", ",0.7,"), "FILE_", "klines"),
    "two units of time": (half_in_microseconds, "FILE_STAMPS_MIXED", "line=13"),
    "more digits than the scale": (
        lambda day: klines(day).replace("50000.20", "50000.203", 1), "FILE_ROW_BAD", "line=1"
    ),
    "a word for a price": (
        lambda day: klines(day).replace("50001.50", "n/a"), "FILE_ROW_BAD", "line=3"
    ),
    "cut in the middle of a row": (lambda day: klines(day)[:1000], "FILE_ROW_BAD", "line="),
    "nothing at all": (lambda day: "\n", "FILE_NOT_DATA", ""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_cannot_be_read_stands_alone_and_comes_right(publisher, kind):
    text, code, said = BROKEN[kind]
    publisher.publish(*DAYS)
    publisher.publish(BAD, text=text(BAD))
    result = publisher.backfill()
    told = failure(result)
    assert code in told
    assert str(publisher.path(BAD)) in told
    assert said in told + str(publisher.quarantined())
    assert publisher.states() == {
        day: "quarantined" if day == BAD else "complete" for day in DAYS
    }
    assert publisher.rows() == 3 * 24
    assert materialised(publisher) == [str(day) for day in DAYS if day != BAD]
    ((reason, payload),) = publisher.quarantined()
    assert reason in told
    assert payload.strip() in text(BAD) or payload in told, "the source's own bytes"
    publisher.publish(BAD)
    assert publisher.backfill().success
    assert set(publisher.states().values()) == {"complete"}
    assert publisher.rows() == 4 * 24


def test_zips_with_their_checksums(clickhouse, tmp_path):
    publisher = Publisher(
        tmp_path, clickhouse, path=f"{tmp_path}/{{venue_symbol}}-1h-{{day}}.zip", checksum="{path}.CHECKSUM"
    )
    publisher.zipped(*DAYS)
    short, wrong = publisher.path(DAYS[0], suffix=".zip"), publisher.path(DAYS[2], suffix=".zip")
    whole = short.read_bytes()
    short.write_bytes(whole[:-40])
    Path(f"{wrong}.CHECKSUM").write_text("0" * 64 + f"  {wrong.name}\n")
    told = failure(publisher.backfill())
    assert "FILE_CHECKSUM_WRONG" in told
    assert set(publisher.states().values()) == {"complete", "quarantined"}
    assert publisher.states()[DAYS[0]] == publisher.states()[DAYS[2]] == "quarantined"
    assert publisher.rows() == 2 * 24
    publisher.zipped(*DAYS)
    assert publisher.backfill().success
    assert set(publisher.states().values()) == {"complete"}


def test_a_truncated_zip_without_a_checksum(clickhouse, tmp_path):
    publisher = Publisher(tmp_path, clickhouse, path=f"{tmp_path}/{{venue_symbol}}-1h-{{day}}.zip")
    publisher.zipped(*DAYS)
    publisher.path(BAD, suffix=".zip").write_bytes(packed(klines(BAD), "x.csv")[:300])
    assert "FILE_TRUNCATED" in failure(publisher.backfill())
    assert publisher.states()[BAD] == "quarantined"
    assert publisher.rows() == 3 * 24


def test_absent_files_are_missing_days_and_no_failure_of_the_others(publisher):
    publisher.publish(*DAYS[:2], DAYS[3])
    result = publisher.backfill()
    assert result.success
    assert publisher.states()[DAYS[2]] == "missing"
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity.value) == (False, "WARN")
    with pytest.raises(TickhouseError, match="DATA_NOT_COMPLETE"):
        datasets.read(publisher.client, Dataset.BARS, [1], day_ns(FIRST), day_ns(FIRST) + 4 * DAY_NS, interval_s=3600)
    publisher.publish(DAYS[2])
    assert publisher.backfill().success
    assert set(publisher.states().values()) == {"complete"}


def test_a_day_without_a_file_is_an_empty_one_where_the_publisher_leaves_them_out(clickhouse, tmp_path):
    publisher = Publisher(tmp_path, clickhouse, required=False)
    publisher.publish(DAYS[0])
    assert publisher.backfill().success
    assert list(publisher.states().values()) == ["complete", *["verified_empty"] * 3]


def test_a_file_that_is_not_due_yet_is_no_gap(clickhouse, tmp_path):
    publisher = Publisher(tmp_path, clickhouse, lag_s=400 * 86_400)
    publisher.publish(DAYS[0])
    assert publisher.backfill().success
    assert publisher.states() == {DAYS[0]: "complete"}
    assert materialised(publisher) == [str(DAYS[0])]


def test_one_instruments_broken_file_leaves_the_other_instruments(clickhouse, tmp_path):
    publisher = Publisher(tmp_path, clickhouse, symbols=SYMBOLS)
    publisher.publish(*DAYS)
    publisher.publish(*DAYS, symbol=SYMBOLS[1])
    publisher.publish(BAD, text="<html>")
    assert not publisher.backfill().success
    assert publisher.states()[BAD] == "quarantined"
    assert set(publisher.states(instrument=publisher.lives[1].id).values()) == {"complete"}


def test_bad_rows_go_to_quarantine_as_the_file_has_them(publisher):
    publisher.publish(*DAYS)
    publisher.publish(BAD, text=klines(BAD).replace("50000.90", "40000.90", 1))
    told = failure(publisher.backfill())
    assert "DATA_QUARANTINED" in told
    ((reason, payload),) = {row for row in publisher.quarantined() if row[0] == "high_over_body"}
    assert payload == klines(BAD).replace("50000.90", "40000.90", 1).splitlines()[0], reason


def test_a_restated_file_is_read_again_and_one_that_is_the_same_is_not(publisher):
    publisher.publish(*DAYS)
    publisher.backfill()
    before = publisher.client.command("SELECT count() FROM ingest_log")
    again = publisher.backfill()
    assert {m.metadata["changes"].value for m in again.asset_materializations_for_node("binance__klines")} == {"1 kept"}
    assert publisher.client.command("SELECT count() FROM ingest_log") == before
    publisher.publish(DAYS[2], text=klines(DAYS[2]).replace("1.500", "2.500", 1))
    result = publisher.backfill()
    changes = [m.metadata["changes"].value for m in result.asset_materializations_for_node("binance__klines")]
    assert changes == ["1 kept", "1 kept", "1 revised", "1 kept"]
    assert publisher.rows() == 4 * 24 + 1

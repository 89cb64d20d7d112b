"""A day of a table to Parquet and back: whole, once, with its clocks; damage is found before a row is written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset, label
from store import ageing, archive, datasets, ingest_log, writer
from store.archive_files import ArchiveFiles
from store.errors import StoreCode
from store.ingest_log import IngestEntry, IngestState
from tests.store.rows import ANY_STATE, DAY, MINUTE, frame, values

pytestmark = pytest.mark.stack

FIRST = date(2026, 1, 1)
LATER = DAY + 5 * ingest_log.DAY_NS


@pytest.fixture
def target(tmp_path):
    return ArchiveFiles(str(tmp_path / "archive"))


def fill(client, dataset):
    """Two instruments, a revision, and a row of the next day."""
    datasets.write(client, dataset, frame(dataset, [(0, 7, 1), (1, 8, 1)]), LATER)
    datasets.write(client, dataset, frame(dataset, [(0, 9, 1)]), LATER)
    datasets.write(client, dataset, frame(dataset, [(3, 5, 1), (1440, 6, 1)], instrument=2), LATER)


def everything(client, table):
    return client.query_arrow(f"SELECT * EXCEPT kept_from FROM {table} ORDER BY ALL")  # noqa: S608 - a table's name


def log(client, dataset, state=IngestState.COMPLETE, instrument=1, rows=2):
    name = label(dataset, series="mood")
    ingest_log.record(client, [IngestEntry(name, "v", instrument, FIRST, state, rows, "h", "rest", "r", "new", "f")])


def state(client, dataset, instrument=1):
    found = ingest_log.states(client, label(dataset, series="mood"), "v", FIRST, date(2026, 1, 2))
    return found.get((instrument, FIRST))


@pytest.mark.parametrize("dataset", list(Dataset))
def test_a_day_comes_back_as_it_was(clickhouse, target, dataset):
    fill(clickhouse, dataset)
    before = everything(clickhouse, dataset)
    manifest = archive.store(clickhouse, target, dataset, FIRST)
    assert manifest.rows == 4
    assert archive.store(clickhouse, target, dataset, FIRST) == manifest, "nothing new: nothing is written"
    assert target.days() == [(dataset, FIRST)]
    assert target.verified(dataset, FIRST) == manifest
    assert archive.restore(clickhouse, target, dataset, FIRST) == 0, "it is all there"
    clickhouse.command(f"TRUNCATE TABLE {dataset}")
    assert archive.restore(clickhouse, target, dataset, FIRST) == 4
    assert archive.restore(clickhouse, target, dataset, FIRST) == 0
    after = everything(clickhouse, dataset)
    clock = "ts_recv" if "ts_recv" in after.column_names else "ts_event"
    first_day = before.filter(pl.from_arrow(before)[clock].dt.date().eq(FIRST).to_arrow())
    assert after.equals(first_day)
    assert values(dataset, datasets.read(clickhouse, dataset, [1], DAY, LATER, DAY + 2 * MINUTE, allow=ANY_STATE,
                                         series="mood")) == {0: 7, 1: 8}


def test_a_day_grows_by_what_came_later_and_keeps_what_went(clickhouse, target):
    fill(clickhouse, Dataset.TRADES)
    old = archive.store(clickhouse, target, "trades", FIRST)
    clickhouse.command("TRUNCATE TABLE trades")
    datasets.write(clickhouse, Dataset.TRADES, frame(Dataset.TRADES, [(2, 1, 1)]), LATER)
    new = archive.store(clickhouse, target, "trades", FIRST)
    assert (old.rows, new.rows) == (4, 5)
    assert archive.restore(clickhouse, target, "trades", FIRST) == 4


def test_nothing_there_makes_no_file(clickhouse, target, tmp_path):
    assert archive.store(clickhouse, target, "trades", FIRST) is None
    assert not (tmp_path / "archive").exists()
    with pytest.raises(TickhouseError) as caught:
        archive.restore(clickhouse, target, "trades", FIRST)
    assert caught.value.code is StoreCode.ARCHIVE_MISSING
    with pytest.raises(TickhouseError) as caught:
        archive.store(clickhouse, target, "ingest_log", FIRST)
    assert caught.value.code is StoreCode.ARCHIVE_UNSUITED


@pytest.mark.parametrize("damage", ["cut", "bit", "gone", "other", "manifest"])
def test_damage_is_found_before_a_row_is_written(clickhouse, target, tmp_path, damage):
    fill(clickhouse, Dataset.TRADES)
    archive.store(clickhouse, target, "trades", FIRST)
    clickhouse.command("TRUNCATE TABLE trades")
    file = tmp_path / "archive" / "trades" / "2026-01-01.parquet"
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "bit":
        file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "gone":
        file.unlink()
    elif damage == "other":  # a good file with other rows
        pl.read_parquet(file).with_columns(pl.col("price") + 1).write_parquet(file)
    else:
        file.with_suffix(".json").write_text("{}")
    with pytest.raises(TickhouseError) as caught:
        archive.restore(clickhouse, target, "trades", FIRST)
    assert caught.value.code is StoreCode.ARCHIVE_BROKEN
    assert clickhouse.command("SELECT count() FROM trades") == 0


def test_a_cut_while_a_day_is_replaced_leaves_a_whole_day(clickhouse, target, monkeypatch):
    fill(clickhouse, Dataset.TRADES)
    old = archive.store(clickhouse, target, "trades", FIRST)
    datasets.write(clickhouse, Dataset.TRADES, frame(Dataset.TRADES, [(2, 1, 1)]), LATER)

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(target._fs, "put_file", cut)
        with pytest.raises(KeyboardInterrupt):
            archive.store(clickhouse, target, "trades", FIRST)
    assert target.manifest("trades", FIRST).replaces == old.sha256
    target.verify(target.manifest("trades", FIRST))
    assert archive.store(clickhouse, target, "trades", FIRST).rows == 5
    clickhouse.command("TRUNCATE TABLE trades")
    assert archive.restore(clickhouse, target, "trades", FIRST) == 5


def test_any_place_that_fsspec_knows(clickhouse):
    target = ArchiveFiles("memory://somewhere/archive")
    fill(clickhouse, Dataset.BARS)
    assert archive.store(clickhouse, target, "bars", FIRST).rows == 4
    clickhouse.command("TRUNCATE TABLE bars")
    assert archive.restore(clickhouse, ArchiveFiles("memory://somewhere/archive"), "bars", FIRST) == 4
    assert json.loads(target._fs.cat_file("/somewhere/archive/bars/2026-01-01.json"))["rows"] == 4


def age(client, table, days):
    """The rows of the table as if they had been kept for so long."""
    rows = pl.from_arrow(everything(client, table))
    client.command(f"TRUNCATE TABLE {table}")
    writer.insert(client, table, rows.with_columns(kept_from=pl.lit(datetime.now(UTC) - timedelta(days))))


@pytest.mark.parametrize("dataset", [Dataset.TRADES, Dataset.SERIES, Dataset.QUOTES])
def test_days_about_to_age_out_are_found_archived_retired_and_brought_back(clickhouse, target, dataset):
    fill(clickhouse, dataset)
    log(clickhouse, dataset)
    log(clickhouse, dataset, instrument=2, rows=1)
    assert ageing.due(clickhouse, target, dataset, 365, 7) == []
    age(clickhouse, dataset, 360)
    assert ageing.due(clickhouse, target, dataset, 365, 7) == [FIRST, date(2026, 1, 2)]
    assert ageing.due(clickhouse, target, dataset, 0, 7) == []
    archive.store(clickhouse, target, dataset, FIRST)
    assert ageing.due(clickhouse, target, dataset, 365, 7) == [date(2026, 1, 2)]
    assert ageing.retire(clickhouse, dataset, 365) == 0, "three days are left"
    age(clickhouse, dataset, 364)
    assert ageing.retire(clickhouse, dataset, 365) == 2
    assert ageing.retire(clickhouse, dataset, 365) == 0
    assert state(clickhouse, dataset) is IngestState.MISSING
    clickhouse.command(f"TRUNCATE TABLE {dataset}")
    assert ageing.bring_back(clickhouse, target, dataset, FIRST, 7) == 4
    assert state(clickhouse, dataset) is state(clickhouse, dataset, 2) is IngestState.COMPLETE
    assert ageing.due(clickhouse, target, dataset, 365, 7) == [], "retention counts anew"
    assert ageing.bring_back(clickhouse, target, dataset, FIRST, 7) == 0


def test_rows_that_went_before_anybody_looked(clickhouse):
    log(clickhouse, Dataset.TRADES)
    log(clickhouse, Dataset.TRADES, IngestState.VERIFIED_EMPTY, instrument=2, rows=0)
    clickhouse.command("ALTER TABLE ingest_log UPDATE run_id = 'x' WHERE 1 SETTINGS mutations_sync = 1")
    assert ageing.retire(clickhouse, "trades", 365) == 0, "young: the rows may be on their way"
    rows = pl.from_arrow(clickhouse.query_arrow("SELECT * FROM ingest_log"))
    clickhouse.command("TRUNCATE TABLE ingest_log")
    writer.insert(clickhouse, "ingest_log", rows.with_columns(pl.col("ts_stored") - pl.duration(days=400)))
    assert ageing.retire(clickhouse, "trades", 365) == 1
    assert state(clickhouse, Dataset.TRADES) is IngestState.MISSING
    assert state(clickhouse, Dataset.TRADES, 2) is IngestState.VERIFIED_EMPTY


def test_restored_rows_outlive_the_next_merge(clickhouse, target):
    fill(clickhouse, Dataset.TRADES)
    archive.store(clickhouse, target, "trades", FIRST)
    clickhouse.command("TRUNCATE TABLE trades")
    file = Path(target.root) / "trades" / "2026-01-01.parquet"
    long_ago = pl.read_parquet(file).with_columns(pl.col("ts_stored") - pl.duration(days=400))
    writer.insert(clickhouse, "trades", long_ago.with_columns(kept_from=pl.lit(datetime.now(UTC))))
    clickhouse.command("OPTIMIZE TABLE trades FINAL")
    assert clickhouse.command("SELECT count() FROM trades") == 4, "retention counts from the return"
    clickhouse.command("TRUNCATE TABLE trades")
    writer.insert(clickhouse, "trades", long_ago)
    clickhouse.command("OPTIMIZE TABLE trades FINAL")
    assert clickhouse.command("SELECT count() FROM trades") == 0, "and otherwise from when they were stored"

"""A machine that fails: the process killed, ClickHouse gone, the disk full, two backfills at once."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from assets.ingest import definitions as ingest
from assets.ingest import gather
from infra.settings import load
from infra.stack import commands
from infra.stack.ports import free_port
from market.dataset import Dataset
from orchestration import partitions
from store import clickhouse as store
from store import datasets, ingest_log, instruments
from tests.assets.bulk import DAYS as FILE_DAYS
from tests.assets.bulk import Publisher, klines
from tests.assets.conftest import Batch, failure
from tests.assets.tape import DAY_NS, DAYS, FIRST, SYMBOLS, Tape, day_ns
from tests.support import answers_http, running

pytestmark = pytest.mark.stack
RANGE = {"first": DAYS[0], "last": DAYS[2]}
SPAN = (day_ns(FIRST), day_ns(FIRST) + 3 * DAY_NS)

CHILD = """
import os, signal
from tests.assets.conftest import Batch
from tests.assets.tape import DAYS, Tape

def dies(rows):
    if rows["instrument"][0] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return rows

batch = Batch(Tape(faults={"bars": dies}))
batch.run("binance/bars_1m", first=DAYS[0], last=DAYS[2])
"""


def states(client, dataset="bars"):
    found = ingest_log.states(client, dataset, "binance", FIRST, FIRST + timedelta(days=30))
    return {key: state.label for key, state in found.items()}


def test_after_kill_9_the_next_run_makes_it_whole(clickhouse):
    batch = Batch(Tape())
    assert batch.run("binance/instruments").success
    child = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=Path(__file__).parents[2], capture_output=True, check=False
    )
    assert child.returncode == -signal.SIGKILL
    assert set(states(clickhouse).values()) <= {"complete"}
    assert batch.run("binance/bars_1m", **RANGE).success
    assert list(states(clickhouse).values()) == ["complete"] * 6
    assert datasets.read(clickhouse, Dataset.BARS, [1, 2], *SPAN).height == 6 * 1440


def test_clickhouse_gone_half_way(fresh_environment, tmp_path, monkeypatch):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for name, value in (fresh_environment() | {"TICKHOUSE_CLICKHOUSE__URL": url}).items():
        monkeypatch.setenv(name, value)
    # One chunk a publication, so that the server is lost between two of them.
    monkeypatch.setattr("assets.ingest.load._TOGETHER", 1)

    def server():
        return running(commands.clickhouse(tmp_path, port), tmp_path / "log", lambda: answers_http(f"{url}/ping"))

    batch = Batch(Tape())
    with server() as process:
        store.migrate(load())
        assert batch.run("binance/instruments").success

        def cut(rows):
            if rows["instrument"][0] == 2:
                process.kill()
                process.wait()
            return rows

        batch.tape.faults["bars"] = cut
        said = failure(batch.run("binance/bars_1m", **RANGE))
        assert "CLICKHOUSE_" in said
        assert "binance/bars_1m" in said or "127.0.0.1" in said
    batch.tape.faults.clear()
    with server():
        client = store.connect(load())
        assert set(states(client).values()) <= {"complete"}
        assert batch.run("binance/bars_1m", **RANGE).success
        assert list(states(client).values()) == ["complete"] * 6
        assert datasets.read(client, Dataset.BARS, [1, 2], *SPAN).height == 6 * 1440
        client.close()


def test_a_full_disk_stops_the_run_and_leaves_nothing(clickhouse, settings, monkeypatch):
    monkeypatch.setattr(gather, "SPILL_ROWS", 1_000)
    batch = Batch(Tape(trades_a_day=20_000))
    assert batch.run("binance/instruments").success
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # a file may not grow beyond: as on a full disk
    try:
        said = failure(batch.run("binance/trades", **RANGE))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "INGEST_DISK_FULL asset=binance/trades" in said
    assert "free some room" in said
    assert states(clickhouse, "trades") == {}
    assert [path for path in (settings.home / "staging").rglob("*") if path.is_file()] == []
    assert batch.run("binance/trades", **RANGE).success
    assert list(states(clickhouse, "trades").values()) == ["complete"] * 6
    assert clickhouse.command("SELECT count() FROM trades") == 6 * 20_000


def test_two_backfills_of_the_same_days_at_once(clickhouse):
    instruments.record(clickhouse, Tape().instruments(SYMBOLS))
    gate = threading.Barrier(2, timeout=60)

    def together(rows):
        if rows["instrument"][0] == 1:
            gate.wait()
        return rows

    results = []

    def work():
        batch = Batch(Tape(faults={"bars": together}))
        results.append(batch.run("binance/bars_1m", **RANGE).success)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True, True]
    assert list(states(clickhouse).values()) == ["complete"] * 6
    assert datasets.read(clickhouse, Dataset.BARS, [1, 2], *SPAN).height == 6 * 1440


def test_a_huge_day_goes_through_files_and_is_judged_in_slices(clickhouse, settings, monkeypatch):
    monkeypatch.setattr(gather, "SPILL_ROWS", 1_000)
    monkeypatch.setattr("assets.ingest.audit.SLICE_ROWS", 3_000)
    monkeypatch.setattr("assets.ingest.digest.HUGE_ROWS", 3_000)
    monkeypatch.setattr("assets.ingest.publish._WRITE_ROWS", 3_000)
    batch = Batch(Tape(trades_a_day=10_000))
    assert batch.run("binance/instruments").success
    assert batch.run("binance/trades", **RANGE).success
    assert list(states(clickhouse, "trades").values()) == ["complete"] * 6
    assert clickhouse.command("SELECT count() FROM trades") == 6 * 10_000
    assert not any((settings.home / "staging" / "days").iterdir())
    again = batch.run("binance/trades", recheck=True, **RANGE)
    told = [made.metadata["changes"].value for made in again.asset_materializations_for_node("binance__trades")]
    assert told == ["2 unchanged"] * 3


def test_a_bad_row_of_a_huge_day_is_found_in_its_slice(clickhouse, monkeypatch):
    monkeypatch.setattr(gather, "SPILL_ROWS", 1_000)
    monkeypatch.setattr("assets.ingest.audit.SLICE_ROWS", 3_000)

    def spoil(rows):
        at = [place for place in (5_999, 6_000) if place < len(rows)]
        if rows["instrument"][0] == 1:
            rows["qty"][at] = -1
        return rows

    batch = Batch(Tape(trades_a_day=10_000, faults={"trades": spoil}))
    assert batch.run("binance/instruments").success
    assert "DATA_QUARANTINED" in failure(batch.run("binance/trades", first=DAYS[0]))
    assert states(clickhouse, "trades") == {(1, FIRST): "quarantined", (2, FIRST): "complete"}
    reasons = clickhouse.query("SELECT reason, row_key FROM quarantine ORDER BY row_key").result_rows
    assert [reason for reason, _ in reasons] == ["qty_positive"] * 2


def test_pools_keep_runs_of_one_venue_apart():
    days = partitions.daily(FIRST)
    pools = {asset.op.pool for asset in ingest.build("binance", SYMBOLS, days)}
    assert pools == {"venue_binance"}


def test_a_months_file_is_read_once_for_all_its_days(clickhouse, tmp_path):
    publisher = Publisher(tmp_path, clickhouse, path=f"{tmp_path}/{{venue_symbol}}-1h-all.csv")
    (tmp_path / "BTCUSDT-1h-all.csv").write_text("".join(klines(day) for day in FILE_DAYS))
    assert publisher.backfill().success
    assert set(publisher.states().values()) == {"complete"}

"""A server that dies or fills up in the middle: a clear error, whole batches or none, and a second run completes it."""

from __future__ import annotations

import os
import signal
import threading

import polars as pl
import pytest

from infra.errors import TickhouseError
from infra.settings import Settings
from infra.stack import commands
from infra.stack.ports import free_port
from market.dataset import Dataset
from store import reader, trades, writer
from store.clickhouse import connect, migrate
from store.errors import StoreCode
from tests.store.rows import ANY_STATE, DAY, frame
from tests.support import answers_http, running

pytestmark = pytest.mark.stack

ROWS = 5_000


def page():
    one = frame(Dataset.TRADES, [(0, 7, 1)])
    ids = pl.int_range(ROWS, eager=True)
    return pl.concat([one] * ROWS).with_columns(trade_id=ids, price=ids, ts_event=DAY + ids, ts_known=DAY + ids)


def test_a_server_killed_half_way_through_an_insert(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MAX_BATCH", ROWS // 10)
    port, folder = free_port(), tmp_path / "data"
    url = f"http://127.0.0.1:{port}"
    settings = Settings(home=tmp_path, clickhouse={"url": url, "database": "lost"})
    start = commands.clickhouse(folder, port), tmp_path / "log", lambda: answers_http(f"{url}/ping")
    with running(*start) as server:
        migrate(settings)
        client = connect(settings)
        sent = threading.Semaphore(0)
        plain = client.insert_arrow

        def insert(table, batch, **more):  # the fault's moment, not a fake: the real insert follows
            sent.release()
            if server.poll() is None and sent._value == 4:
                os.kill(server.pid, signal.SIGKILL)
                server.wait()
            return plain(table, batch, **more)

        monkeypatch.setattr(client, "insert_arrow", insert)
        with pytest.raises(TickhouseError) as caught:
            trades.write(client, page(), DAY)
        assert caught.value.code is StoreCode.CLICKHOUSE_LOST
        assert caught.value.context["what"] == "trades"
        with pytest.raises(TickhouseError) as caught:
            reader.query(client, "SELECT 1")
        assert caught.value.code is StoreCode.CLICKHOUSE_LOST
        client.close()
    with running(*start):
        client = connect(settings)
        left = client.command("SELECT count() FROM trades")
        assert left == 3 * (ROWS // 10), "the batches that were answered, whole"
        assert trades.write(client, page(), DAY) == ROWS - left
        assert trades.write(client, page(), DAY) == 0
        assert trades.read(client, [1], DAY, DAY + ROWS, allow=ANY_STATE)["price"].to_list() == list(range(ROWS))
        client.close()


def test_a_full_disk(clickhouse):
    # The server's own guard for a disk that fills up, set so high that every disk is full.
    clickhouse.command("ALTER TABLE trades MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000000")
    try:
        with pytest.raises(TickhouseError) as caught:
            trades.write(clickhouse, page(), DAY)
    finally:
        clickhouse.command("ALTER TABLE trades RESET SETTING min_free_disk_bytes_to_perform_insert")
    assert caught.value.code is StoreCode.STORE_FULL
    assert "free space" in str(caught.value)
    assert trades.write(clickhouse, page(), DAY) == ROWS


def test_more_parts_than_can_be_merged(clickhouse):
    names = ("parts_to_throw_insert = 1", "parts_to_delay_insert = 0", "max_avg_part_size_for_too_many_parts = 0")
    clickhouse.command(f"ALTER TABLE trades MODIFY SETTING {', '.join(names)}")
    clickhouse.command("SYSTEM STOP MERGES trades")
    try:
        trades.write(clickhouse, frame(Dataset.TRADES, [(0, 7, 1)]), DAY)
        with pytest.raises(TickhouseError) as caught:
            trades.write(clickhouse, frame(Dataset.TRADES, [(1, 7, 1)]), DAY)
    finally:
        clickhouse.command("SYSTEM START MERGES trades")
        clickhouse.command(f"ALTER TABLE trades RESET SETTING {', '.join(name.split()[0] for name in names)}")
    assert caught.value.code is StoreCode.STORE_BUSY


def test_a_query_that_needs_too_much(clickhouse):
    with pytest.raises(TickhouseError) as caught:
        reader.query(
            clickhouse, "SELECT groupArray(number) AS a FROM numbers(10000000) SETTINGS max_memory_usage = 1000000"
        )
    assert caught.value.code is StoreCode.STORE_MEMORY


def test_the_querys_own_mistakes_pass(clickhouse):
    from clickhouse_connect.driver.exceptions import DatabaseError

    with pytest.raises(DatabaseError, match="nowhere"):
        reader.query(clickhouse, "SELECT nowhere FROM trades")

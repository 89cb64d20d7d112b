"""What only the embedded engine promises: durability under kill -9, its password, what it refuses."""

from __future__ import annotations

import signal
import subprocess
import threading

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, Error

from infra.stack import commands
from infra.stack.ports import free_port
from tests.support import answers_http, running

pytestmark = pytest.mark.stack

PASSWORD = "pass/word"
BATCH = 500


@pytest.fixture
def start(tmp_path):
    """Starts a server of this test's own on the same folder, again and again."""
    port = free_port()

    def begin():
        is_ready = lambda: answers_http(f"http://127.0.0.1:{port}/ping")  # noqa: E731
        argv = commands.clickhouse(tmp_path / "clickhouse", port)
        return running(argv, tmp_path / "log", is_ready, env={"CLICKHOUSE_PASSWORD": PASSWORD})

    def connect(password=PASSWORD):
        return clickhouse_connect.get_client(host="127.0.0.1", port=port, password=password, query_retries=0)

    return begin, connect


def test_kill_9_loses_no_acknowledged_batch(start):
    begin, connect = start
    acknowledged: list[int] = []
    with begin():
        client = connect()
        client.command("CREATE DATABASE d")
        client.command("CREATE TABLE d.t (batch UInt32, row UInt32) ENGINE = MergeTree ORDER BY (batch, row)")
    for _round in range(2):
        enough = threading.Event()
        with begin() as server:
            client = connect()

            def insert(client=client, enough=enough):
                while True:
                    batch = (acknowledged[-1] if acknowledged else 0) + 1
                    try:
                        client.insert("d.t", [[batch, row] for row in range(BATCH)], column_names=["batch", "row"])
                    except Error:
                        return
                    acknowledged.append(batch)
                    if len(acknowledged) % 10 == 0:
                        enough.set()

            writer = threading.Thread(target=insert)
            writer.start()
            assert enough.wait(30)
            server.send_signal(signal.SIGKILL)
            server.wait()
            writer.join()
    with begin():
        rows = connect().query("SELECT batch, count(), uniqExact(row) FROM d.t GROUP BY batch").result_rows
    counts = {batch: count for batch, count, unique in rows if count % unique == 0 and unique == BATCH}
    assert counts.keys() >= set(acknowledged)
    assert len(counts) == len(rows), "a batch was written in part"


def test_it_asks_for_the_password(start):
    begin, connect = start
    with begin():
        assert connect().query("SELECT 1").result_rows == [(1,)]
        with pytest.raises(DatabaseError, match=r"516|Authentication failed"):
            connect("wrong")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 INTO OUTFILE '/tmp/stolen'",
        "CREATE TABLE k (x UInt8) ENGINE = Kafka",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
    ],
)
def test_it_refuses_what_would_touch_local_files_or_break_its_folder(clickhouse, sql):
    with pytest.raises(DatabaseError):
        clickhouse.query(sql)
    assert clickhouse.query("SELECT 1").result_rows == [(1,)]


def test_a_second_process_on_the_folder_says_why_it_stops(start, tmp_path):
    begin, _ = start
    argv = commands.clickhouse(tmp_path / "clickhouse", free_port())
    with begin():
        second = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "CLICKHOUSE_FOLDER" in second.stderr

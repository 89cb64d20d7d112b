"""What we rely on in ClickHouse, over HTTP and with the client we use: the same for the embedded engine and a server.

Set CLICKHOUSE_URL (and CLICKHOUSE_USER, CLICKHOUSE_PASSWORD) to run it against another server.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import clickhouse_connect
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, Error, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from tests.support import wait_until

pytestmark = pytest.mark.stack

UNKNOWN_TABLE, SYNTAX_ERROR, SESSION_IS_LOCKED = 60, 62, 373


@pytest.fixture(scope="module")
def arguments(clickhouse_url, fresh_environment):
    """Arguments of a client on a database of this module's own."""
    environment = fresh_environment()
    url = urlsplit(clickhouse_url)
    found = {
        "host": url.hostname,
        "port": url.port,
        "username": environment["TICKHOUSE_CLICKHOUSE__USER"],
        "password": environment["TICKHOUSE_CLICKHOUSE__PASSWORD"],
    }
    database = environment["TICKHOUSE_CLICKHOUSE__DATABASE"]
    client = clickhouse_connect.get_client(**found)
    client.command(f"CREATE DATABASE {database}")
    yield found | {"database": database, "autogenerate_session_id": False, "tz_mode": "aware"}
    client.command(f"DROP DATABASE {database}")
    client.close()


@pytest.fixture
def client(arguments):
    client = clickhouse_connect.get_client(**arguments)
    yield client
    client.close()


@pytest.fixture
def ticks(client):
    client.command(
        "CREATE OR REPLACE TABLE ticks (ts DateTime64(9, 'UTC'), id UInt32, price Int64, name LowCardinality(String),"
        " amount Decimal(38, 12), maybe Nullable(Float64), list Array(Float64), stored DateTime64(9, 'UTC') DEFAULT"
        " now64(9)) ENGINE = MergeTree ORDER BY (id, ts)"
    )


def is_running(client, part: str) -> bool:
    """Whether the server runs a query with this text now."""
    sql = "SELECT count() FROM system.processes WHERE query LIKE {like:String} AND query NOT LIKE '%system.processes%'"
    return client.query(sql, {"like": f"%{part}%"}).result_rows != [(0,)]


def test_values_come_back_as_they_went(client, ticks):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    row = [moment, 2**32 - 1, -(2**63), "ü'\\\n", Decimal("0.000000000001"), None, [1.5, -0.0]]
    client.insert("ticks", [row], column_names=["ts", "id", "price", "name", "amount", "maybe", "list"])
    assert list(client.query("SELECT * EXCEPT stored FROM ticks").result_rows[0]) == row


def test_nanoseconds_survive(client, ticks):
    ns = 1_767_225_600_123_456_789
    frame = pl.DataFrame({"ts": [ns], "id": [1]}).with_columns(pl.col("ts").cast(pl.Datetime("ns", "UTC")))
    client.insert_arrow("ticks", frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert client.query("SELECT toUnixTimestamp64Nano(ts) FROM ticks").result_rows == [(ns,)]
    assert client.query_arrow("SELECT ts FROM ticks")["ts"].cast(pa.int64()).to_pylist() == [ns]


def test_arrow_and_frames(client, ticks):
    n = 10_000
    frame = pl.DataFrame({"id": np.arange(n, dtype=np.uint32), "price": np.arange(n) * 7, "name": ["a"] * n})
    client.insert_df_arrow("ticks", frame)
    back = pl.from_arrow(client.query_arrow("SELECT id, price, name FROM ticks ORDER BY id", use_strings=True))
    assert back.equals(frame)
    pandas = client.query_df("SELECT id, price FROM ticks ORDER BY id")
    assert pandas["price"].tolist() == frame["price"].to_list()
    client.insert_df("ticks", pd.DataFrame({"id": [n], "price": [1], "name": ["b"]}))
    assert client.command("SELECT count(), uniqExact(name) FROM ticks") == [str(n + 1), "2"]


def test_a_column_left_out_takes_its_default(client, ticks):
    client.insert_df_arrow("ticks", pl.DataFrame({"id": [1]}))
    assert client.query("SELECT stored > now() - 60, amount FROM ticks").result_rows == [(1, 0)]


@pytest.mark.parametrize(
    ("sql", "code"), [("SELECT * FROM nowhere", UNKNOWN_TABLE), ("SELEC 1", SYNTAX_ERROR), ("SELECT 1; SELECT 2", 62)]
)
def test_errors_carry_their_code(client, sql, code):
    with pytest.raises(DatabaseError) as caught:
        client.query(sql)
    assert f"code: {code}".lower() in str(caught.value).lower()


def test_a_failed_query_leaves_nothing_behind(client):
    """chDB hands the failed one's leftovers to the next query on a connection."""
    for _ in range(5):
        with pytest.raises(DatabaseError):
            client.query("SELECT throwIf(number = 3000, 'boom') FROM numbers(100000) SETTINGS max_block_size = 100")
        assert client.query("SELECT 42").result_rows == [(42,)]


def test_an_insert_that_is_refused_at_its_end_is_an_error(client):
    """Whatever becomes of its last block: no row is called written that is not there."""
    client.command("CREATE OR REPLACE TABLE few (n UInt32, CONSTRAINT c CHECK n < 10) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(DatabaseError, match=r"VIOLATED_CONSTRAINT|violated"):
        client.insert("few", [[1], [50]], column_names=["n"])
    client.insert("few", [[1]], column_names=["n"])
    with pytest.raises(DatabaseError, match="VIOLATED_CONSTRAINT"):
        client.insert_arrow("few", pa.table({"n": pa.array([99], pa.uint32())}))
    assert client.query("SELECT n FROM few").result_rows == [(1,)]


def test_the_errors_of_others_are_not_those_of_an_insert(client, ticks):
    def fail(_):
        with pytest.raises(DatabaseError):
            client.query("SELECT * FROM nowhere")

    with ThreadPoolExecutor(2) as pool:
        failing = pool.map(fail, range(30))
        for i in range(30):
            client.insert_arrow("ticks", pa.table({"id": pa.array([i], pa.uint32())}))
        assert len(list(failing)) == 30
    assert client.command("SELECT count() FROM ticks") == 30


def test_parameters_are_bound(client):
    sql = "SELECT {text:String}, {number:Int64}, {numbers:Array(UInt32)}, {day:Date}"
    parameters = {"text": "it's; -- \n {x}", "number": -1, "numbers": [1, 2], "day": date(2026, 1, 2)}
    assert client.query(sql, parameters=parameters).result_rows == [tuple(parameters.values())]


def test_external_table(client):
    data = ExternalData(file_name="ids.csv", fmt="CSV", structure=["id UInt32"], data=b"1\n2\n3\n")
    assert client.query("SELECT sum(id) FROM ids", external_data=data).result_rows == [(6,)]


def test_inline_data_with_blank_lines(client, ticks):
    client.raw_insert("ticks", ["id", "name"], b'1,"a\n\nb"\n2,"\n\n"\n', fmt="CSV")
    assert client.query("SELECT name FROM ticks ORDER BY id").result_rows == [("a\n\nb",), ("\n\n",)]


@pytest.mark.parametrize("method", ["lz4", "zstd", "gzip"])
def test_compression_both_ways(arguments, ticks, method):
    client = clickhouse_connect.get_client(**arguments, compress=method)
    rows = [[i, i * 3, "name" * 10] for i in range(20_000)]
    client.insert("ticks", rows, column_names=["id", "price", "name"])
    assert client.query("SELECT id, price, name FROM ticks ORDER BY id").result_rows == [tuple(row) for row in rows]
    client.close()


def test_a_session_keeps_its_temporary_table_and_settings(arguments):
    client = clickhouse_connect.get_client(**arguments | {"autogenerate_session_id": True})
    client.command("CREATE TEMPORARY TABLE mine (x UInt8)")
    client.insert("mine", [[1], [2]])
    client.command("SET max_threads = 1")
    assert client.query("SELECT sum(x), getSetting('max_threads') FROM mine").result_rows == [(3, 1)]
    other = clickhouse_connect.get_client(**arguments)
    with pytest.raises(DatabaseError):
        other.query("SELECT * FROM mine")
    client.close()
    other.close()


def test_without_a_session_nothing_is_kept(client, arguments):
    other = clickhouse_connect.get_client(**arguments)
    client.command("SET max_block_size = 1234")
    with contextlib.suppress(DatabaseError):  # a server may refuse it
        client.command("CREATE TEMPORARY TABLE passing (x UInt8)")
    for asked in (client, other) * 3:
        row = asked.query("SELECT getSetting('max_block_size') = 1234, currentDatabase()").result_rows[0]
        assert row == (0, arguments["database"])
        assert asked.command("EXISTS TEMPORARY TABLE passing") == 0
    other.close()


def test_a_session_is_locked_while_a_query_runs(client, arguments):
    name = f"session-{id(arguments)}"
    one, two = (clickhouse_connect.get_client(**arguments, session_id=name) for _ in range(2))
    sql = "SELECT sleepEachRow(0.1), {name:String} FROM numbers(15) SETTINGS max_block_size = 1"
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(one.query, sql, {"name": name})
        wait_until(lambda: is_running(client, "sleepEachRow(0.1), "), what="the slow query to begin")
        with pytest.raises(DatabaseError) as caught:
            two.query("SELECT 1")
        assert str(SESSION_IS_LOCKED) in str(caught.value)
        slow.result()
    assert two.query("SELECT 1").result_rows == [(1,)]


def test_rows_stream_in_blocks(client):
    with client.query_row_block_stream("SELECT number FROM numbers(3000000)") as blocks:
        sizes = [len(block) for block in blocks]
    assert sum(sizes) == 3_000_000
    assert max(sizes) < 1_000_000


def test_an_error_in_the_middle_of_a_stream_is_an_error(client):
    sql = "SELECT number, throwIf(number = 2900000, 'boom') FROM numbers(3000000)"
    with (
        pytest.raises((DatabaseError, StreamFailureError), match="boom"),
        client.query_row_block_stream(sql) as blocks,
    ):
        for _ in blocks:
            pass
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_a_reader_that_leaves_early_frees_the_server(client, arguments):
    token = base64.b64encode(f"{arguments['username']}:{arguments['password']}".encode()).decode()
    for _ in range(20):  # more than the server has threads
        raw = http.client.HTTPConnection(arguments["host"], arguments["port"], timeout=10)
        sql = "/?query=SELECT+number+FROM+numbers(1000000000)"
        raw.request("GET", sql, headers={"Authorization": f"Basic {token}"})
        assert raw.getresponse().read(10)
        raw.close()
    assert client.query("SELECT 1").result_rows == [(1,)]
    wait_until(lambda: not is_running(client, "numbers(1000000000)"), 15, what="the queries' end")


def test_threads_share_a_client(client):
    def ask(i: int) -> int:
        sql = "SELECT {i:UInt64} + sum(number) FROM numbers({n:UInt64})"
        return client.query(sql, parameters={"i": i, "n": i * 1000}).result_rows[0][0]

    expected = [i + sum(range(i * 1000)) for i in range(64)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(64))) == expected


def test_inserts_in_parallel_lose_nothing(client, ticks):
    def write(part: int) -> None:
        client.insert_df_arrow("ticks", pl.DataFrame({"id": np.full(5000, part, dtype=np.uint32)}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    assert client.query("SELECT count(), uniqExact(id) FROM ticks").result_rows == [(24 * 5000, 24)]


async def test_asynchronous_client(arguments, ticks):
    client = await clickhouse_connect.get_async_client(**arguments)
    try:
        await client.insert("ticks", [[i] for i in range(1000)], column_names=["id"])
        sql = "SELECT {i:UInt8}, count() FROM ticks"
        answers = await asyncio.gather(*(client.query(sql, {"i": i}) for i in range(32)))
        assert [answer.result_rows[0] for answer in answers] == [(i, 1000) for i in range(32)]
        with pytest.raises(DatabaseError):
            await client.query("SELECT * FROM nowhere")
        arrow = await client.query_arrow("SELECT id FROM ticks ORDER BY id")
        assert arrow["id"].to_pylist() == list(range(1000))
    finally:
        await client.close()


def test_a_query_whose_client_left_is_stopped(client, arguments):
    impatient = clickhouse_connect.get_client(**arguments, send_receive_timeout=1, query_retries=0)
    sql = "SELECT sum(sleepEachRow(0.11)) FROM numbers(600) SETTINGS max_block_size = 1"
    with pytest.raises(Error):
        impatient.query(sql, settings={"cancel_http_readonly_queries_on_client_close": 1})
    wait_until(lambda: not is_running(client, "sleepEachRow(0.11)"), 15, what="the query's end")


def test_it_answers_pings_while_every_thread_is_busy(client):
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            client.query("SELECT sleepEachRow(0.05) FROM numbers(10) SETTINGS max_block_size = 1")

    with ThreadPoolExecutor(24) as pool:
        for _ in range(24):
            pool.submit(load)
        try:
            assert all(client.ping() for _ in range(10))
        finally:
            stop.set()

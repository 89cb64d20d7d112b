"""A quarantined row is kept as its file has it, whatever the container."""

import json
import sqlite3

import polars as pl
import pytest

from tests.venues.files.reading import opened
from venues.files import registry
from venues.files.format import TellingRows

MAP = {"ts_event": "Date", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
FRAME = pl.DataFrame({"Date": ["2020-01-01", "2020-01-02"], **{name: [1.5, 2.5] for name in "ohlcv"}})


@pytest.mark.parametrize("kind", ["parquet", "feather", "sqlite"])
def test_rows_of_tables(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    if kind == "parquet":
        FRAME.write_parquet(path)
    elif kind == "feather":
        FRAME.write_ipc(path)
    else:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (Date, o, h, l, c, v)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", FRAME.rows())
        connection.commit()
        connection.close()
    known = registry.get(f"columns_{kind}")
    assert isinstance(known, TellingRows)
    found = known.raw(opened(path, columns=MAP, table="t"), [2, 9])
    assert set(found) == {2}
    assert json.loads(found[2])["Date"] == "2020-01-02"
    assert float(json.loads(found[2])["o"]) == 2.5


def test_lines_of_wide_text():
    text = "datetime,open,high,low,close,volume\n2020-01-01 00:00:00,1,2,3,4,5\n".encode("utf-16")
    known = registry.get("cryptodatadownload")
    assert known.raw(opened(text, "x_1h.csv"), [2]) == {2: "2020-01-01 00:00:00,1,2,3,4,5"}


def test_rows_of_freqtrade(tmp_path):
    rows = [[1_600_000_200_000, 1.5, 2.0, 1.0, 1.25, 3]]
    found = registry.get("freqtrade_json").raw(opened(json.dumps(rows).encode(), "A_B-5m.json"), [1])
    assert json.loads(found[1])["open"] == "1.5"

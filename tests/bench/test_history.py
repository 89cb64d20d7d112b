"""The benchmark of history runs, says what it promises and compares like with like; figures belong to no test."""

from __future__ import annotations

import zipfile
from datetime import date

import polars as pl
import pytest

from assets.bench import history, ingest, made, memory, report
from assets.bench.errors import BenchCode
from assets.bench.history import Size
from assets.bench.place import Place
from infra.errors import TickhouseError
from store import writer

TINY = Size(repetitions=1, trades=3_000, symbols=1, year=1, readings=1, instruments=3, days=130, memory_days=1,
            memory_trades=2_000)  # fmt: skip


@pytest.mark.slow
@pytest.mark.stack
def test_the_benchmark_has_its_form():
    found = history.measure(TINY)
    assert found["bench"] == "history"
    assert found["revision"]
    assert found["machine"]["cores"] >= 1
    assert len(found["machine"]["load_average"]["before"]) == 3
    names = [result["name"] for result in found["results"]]
    assert len(names) == len(set(names))
    assert {"trades_file_to_clickhouse", "bars_file_to_clickhouse", "3x130_days_14_factors_cold",
            "year_of_minutes_1_instruments_as_of_rows", "ingest_memory_1_days_of_2000_trades_times_4"} <= set(names)
    for result in found["results"]:
        assert result.keys() == {"name", "value", "unit", "goal", "better", "baseline", "ratio"}
        assert result["better"] in {"lower", "higher"}
        assert result["baseline"] is None or result["baseline"] > 0, result
        if "compiling" not in result["name"]:
            assert result["value"] > 0, result
    least = next(result for result in found["results"] if result["name"] == "trades_file_to_clickhouse")
    assert least["goal"] == pytest.approx(least["baseline"] * ingest.GOAL, rel=1e-3)


@pytest.fixture
def place(clickhouse, settings, tmp_path):
    return Place(tmp_path, settings.clickhouse_url, clickhouse, 0)


@pytest.mark.stack
def test_sides_that_hold_different_rows_are_not_compared(place):
    frame = pl.DataFrame({"instrument": 1, "ts_event": [1, 2], "trade_id": [1, 2], "price": 5, "qty": 7, "side": 1})
    writer.insert(place.client, "trades", frame)
    place.client.command("CREATE TABLE plain AS trades")
    writer.insert(place.client, "plain", frame[:1])
    with pytest.raises(TickhouseError) as raised:
        ingest._same(place.client, ingest.Dataset.TRADES, "plain", [1])
    assert raised.value.code is BenchCode.BENCH_SIDES_DIFFER
    writer.insert(place.client, "plain", frame[1:])
    ingest._same(place.client, ingest.Dataset.TRADES, "plain", [1])


@pytest.mark.stack
def test_a_day_that_is_kept_out_is_no_measurement(place):
    work = ingest.trade_works(place.files("trades"), 1, 500)[1]
    with zipfile.ZipFile(work.files[0]) as archive:
        name = archive.namelist()[0]
        lines = archive.read(name).decode().splitlines()
    lines[100] = lines[100].replace(lines[100].split(",")[1], "0.01000000")  # a price out of all proportion
    with zipfile.ZipFile(work.files[0], "w") as archive:
        archive.writestr(name, "\n".join(lines) + "\n")
    with pytest.raises(TickhouseError) as raised:
        ingest.through(place.client, work, place.folder)
    assert raised.value.code is BenchCode.BENCH_SIDES_DIFFER


def test_made_files_look_as_binance_publishes_them(tmp_path):
    path = made.trades_file(tmp_path, made.life(1), date(2025, 1, 2), 50)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["C1USDT-aggTrades-2025-01-02.csv"]
        first, *_, last = archive.read(archive.namelist()[0]).decode().splitlines()
    number, price, qty, _, _, at, maker, best = first.split(",")
    assert (number, maker in {"True", "False"}, best) == ("50", True, "True")
    assert len(price.split(".")[1]) == len(qty.split(".")[1]) == 8
    assert made.start_ns(date(2025, 1, 2)) // 1000 <= int(at) <= int(last.split(",")[5]) < made.start_ns(
        date(2025, 1, 3)) // 1000


def test_results_compare_with_their_baseline():
    fast, slowest = report.rates("x", [10.0, 30.0, 20.0], [40.0, 50.0, 20.0], 0.7)
    assert fast.as_dict() == {"name": "x", "value": 20.0, "unit": "rows/s", "goal": 28.0, "better": "higher",
                              "baseline": 40.0, "ratio": 0.5}
    assert (slowest.value, slowest.baseline, slowest.goal) == (10.0, 20.0, None)
    assert report.Result("y", 123456.0, "s").as_dict()["value"] == 123500.0
    assert report.Result("y", 1.0, "s").as_dict()["ratio"] is None


def test_the_peak_is_this_processes_own():
    before = memory.own_peak()
    assert before > 10**7
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])
    assert memory.own_peak() >= min(before + 10**6, 2 * 10**8)

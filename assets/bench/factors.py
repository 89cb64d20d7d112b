"""A data set of the size of qlib's published one, built in a process of its own on one core.

    python -m assets.bench.factors kernel|plain CLICKHOUSE_URL INSTRUMENTS DAYS

reads the daily bars of all instruments as of a time from ClickHouse and makes the fourteen factors of each; prints the
seconds of its stages as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.bench import made, tables
from assets.bench.errors import BenchCode
from assets.bench.place import Place, one_core, settings, used_cpu
from assets.bench.report import Result
from infra.errors import TickhouseError
from infra.settings import PROJECT

if TYPE_CHECKING:
    import polars as pl

GOAL_S = 7.4         # qlib's published time with its caches; without them 147 s
QLIB_ROWS = 800 * 14 * 240
INTERVAL_S = 86_400
FIRST = date(2007, 1, 1)
_FIRST_ID = 1001
_AT_ONCE = 8_192  # bars: their rows stay in the processor's cache until they stand in columns
_ONE_THREAD = dict.fromkeys(
    ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


def measure(place: Place, *, instruments: int, days: int) -> list[Result]:
    """Whole processes from start to end: the kernel compiled anew, the kernel from numba's cache, and plain polars."""
    tables.bars(place.client, _ids(instruments), FIRST, days, INTERVAL_S)
    compiled = place.files("numba")
    size = f"{instruments}x{days}_days_14_factors"
    goal = GOAL_S if instruments * days >= QLIB_ROWS else None  # a smaller set proves nothing about it
    with one_core(place.server):
        cold = _process(place, "kernel", instruments, days, compiled)
        cached = _process(place, "kernel", instruments, days, compiled)
        plain = _process(place, "plain", instruments, days, compiled)
    shutil.rmtree(compiled)
    for one in (cached, plain):
        if one["rows"] != cold["rows"] or abs(one["total"] / cold["total"] - 1.0) > 1e-6:
            raise TickhouseError(BenchCode.BENCH_SIDES_DIFFER, kernel=cold, other=one)
    return [
        Result(f"{size}_cold", cold["wall"], "s", goal, "lower", plain["wall"]),
        Result(f"{size}_cold_kernel_on_disk", cached["wall"], "s", goal, "lower", plain["wall"]),
        Result(f"{size}_cold_processor", cold["cpu"], "CPU s, ClickHouse's included", None, "lower", plain["cpu"]),
        Result(f"{size}_of_it_compiling", cold["factors"] - cached["factors"], "s"),
        Result(f"{size}_of_it_reading", cached["read"], "s", None, "lower", plain["read"]),
        Result(f"{size}_of_it_factors", cached["factors"], "s", None, "lower", plain["factors"]),
    ]


def _ids(instruments: int) -> list[int]:
    return list(range(_FIRST_ID, _FIRST_ID + instruments))


def _process(place: Place, side: str, instruments: int, days: int, cache: Path) -> dict[str, Any]:
    environment = os.environ | _ONE_THREAD | {"NUMBA_CACHE_DIR": str(cache), "TICKHOUSE_HOME": str(place.folder)}
    began, used = time.perf_counter(), used_cpu(place.server)
    done = subprocess.run(
        [sys.executable, "-m", "assets.bench.factors", side, place.url, str(instruments), str(days)],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    wall = time.perf_counter() - began
    if done.returncode:
        raise TickhouseError(BenchCode.BENCH_PROCESS_FAILED, process=side, said=done.stderr[-2000:])
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"wall": wall, "cpu": told["cpu"] + used_cpu(place.server) - used}


def read(url: str, instruments: int, days: int) -> pl.DataFrame:
    """The bars as of now, by the reader that everybody uses: days that are not whole would be refused."""
    from market.dataset import Dataset
    from store import datasets
    from store.clickhouse import connect

    start = made.start_ns(FIRST)
    client = connect(settings(url))
    client.set_client_setting("max_threads", 1)
    end = start + days * made.DAY_NS
    return datasets.read(
        client, Dataset.BARS, _ids(instruments), start, end, as_of_ns=time.time_ns(), interval_s=INTERVAL_S
    )


def by_kernel(bars: pl.DataFrame) -> pl.DataFrame:
    """`instrument, ts_event` and the factors, NaN where one is not defined."""
    import numpy as np
    import polars as pl

    from market import bars as market_bars
    from signals.features import registry

    group = registry.bar_group("daily")
    array = market_bars.empty(bars.height)
    for name in market_bars.BAR.names or ():
        if name in bars.columns:
            array[name] = bars[name].to_numpy()
    ids = np.unique(array["instrument"])
    slots = np.full(int(ids.max(initial=0)) + 1, -1, dtype=np.int64)
    slots[ids] = np.arange(len(ids))
    states = np.stack([group.state(made.life(int(one))) for one in ids])
    columns, index = np.empty((len(group.names), bars.height)), np.empty(bars.height, dtype=np.int64)
    rows, places, count = np.empty((_AT_ONCE, len(group.names))), np.empty(_AT_ONCE, dtype=np.int64), 0
    for start in range(0, bars.height, _AT_ONCE):
        fresh = group.update_many(states, slots, array[start : start + _AT_ONCE], rows, places)
        columns[:, count : count + fresh] = rows[:fresh].T
        index[count : count + fresh] = places[:fresh] + start
        count += fresh
    found = {name: columns[at, :count] for at, name in enumerate(group.names)}
    keys = bars.select("instrument", "ts_event")
    return (keys if count == bars.height else keys[index[:count]]).with_columns(pl.DataFrame(found))


def by_expressions(bars: pl.DataFrame) -> pl.DataFrame:
    """The same by plain polars expressions, null where one is not defined."""
    from assets.bench import plain

    life = made.life(1)
    return plain.factors(bars, 10.0 ** -(life.price_scale + life.qty_scale))


def main(arguments: list[str]) -> int:
    """One side, measured."""
    side, url, instruments, days = arguments[0], arguments[1], int(arguments[2]), int(arguments[3])
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    began = time.perf_counter()
    bars = read(url, instruments, days)
    have = time.perf_counter()
    made_of_them = by_kernel(bars) if side == "kernel" else by_expressions(bars)
    done = time.perf_counter()
    numbers = made_of_them.drop("instrument", "ts_event").fill_nan(0.0).fill_null(0.0)
    total = float(sum(numbers.select(column).sum().item() for column in numbers.columns))
    told = {
        "cpu": time.process_time(), "read": have - began, "factors": done - have, "rows": made_of_them.height,
        "total": total,
    }  # fmt: skip
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

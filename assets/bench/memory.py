"""The most memory that an ingest takes, by the number of its days.

    python -m assets.bench.memory CLICKHOUSE_URL FOLDER TABLE_ID DAYS ROWS

ingests so many daily files of trades in one run, as a backfill does, and prints the peak of its resident memory in
bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assets.bench import made
from assets.bench.errors import BenchCode
from assets.bench.place import settings
from assets.bench.report import Result
from infra.errors import TickhouseError
from infra.settings import PROJECT

if TYPE_CHECKING:
    from assets.bench.place import Place

LONGER = 4
GOAL = 1.1  # a process never weighs the same twice; what grew with the days would be near LONGER
_LIVES = (5, 6)


def measure(place: Place, *, days: int, rows: int) -> list[Result]:
    """Peak of a run over `days` and of one over four times as many, and their ratio."""
    folder = place.files("memory")
    for life in _LIVES:
        for number in range(days * LONGER if life == _LIVES[1] else days):
            made.trades_file(folder, made.life(life), made.FIRST + timedelta(days=number), rows)
    # Both at once: memory, unlike time, does not depend on the neighbour.
    short, long = [
        _start(place, folder, life, count, rows)
        for life, count in zip(_LIVES, (days, days * LONGER), strict=True)
    ]
    peaks = [_peak(short), _peak(long)]
    name = f"ingest_memory_{days}_days_of_{rows}_trades"
    return [
        Result(name, peaks[0] / 1e6, "MB"),
        Result(f"{name}_times_{LONGER}", peaks[1] / 1e6, "MB", GOAL * peaks[0] / 1e6, "lower", peaks[0] / 1e6),
    ]


def _start(place: Place, folder: Path, life: int, days: int, rows: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "assets.bench.memory", place.url, str(folder), str(life), str(days), str(rows)],
        cwd=PROJECT, env=os.environ | {"TICKHOUSE_HOME": str(place.folder)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _peak(process: subprocess.Popen[str]) -> int:
    said, complained = process.communicate()
    if process.returncode:
        raise TickhouseError(BenchCode.BENCH_PROCESS_FAILED, process="ingest", said=complained[-2000:])
    return int(said)


def own_peak() -> int:
    """Most memory that this process has held, bytes. `ru_maxrss` would tell that of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(arguments: list[str]) -> int:
    """One run, weighed."""
    from assets.bench import ingest
    from store.clickhouse import connect
    from venues.catalogue import Files

    url, folder, life, days, rows = arguments[0], Path(arguments[1]), *map(int, arguments[2:])
    of = made.life(life)
    entry = Files(name=f"trades{life}", venue="bench", format="binance_aggtrades", symbols=(of.symbol,),
                  path=f"{folder}/{{venue_symbol}}-aggTrades-{{day}}.zip")  # fmt: skip
    span = [made.FIRST + timedelta(days=number) for number in range(days)]
    work = ingest.Work(entry, [of], span, [], days * rows)
    ingest.through(connect(settings(url)), work, folder / f"staging{life}")
    sys.stdout.write(str(own_peak()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

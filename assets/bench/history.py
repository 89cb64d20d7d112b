"""`tickhouse bench history`: how fast history comes in, is read and becomes factors, and what memory it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from assets.bench import factors, ingest, memory, report, year
from assets.bench.place import place


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    repetitions: int    # of each side of the ingest
    trades: int         # in a daily file
    symbols: int        # in a month of bars
    year: int           # instruments of the year of minutes
    readings: int       # of that year, each side
    instruments: int    # of the daily factors
    days: int
    memory_days: int    # of the shorter of two backfills
    memory_trades: int  # a day


FULL = Size(
    repetitions=5, trades=500_000, symbols=20, year=50, readings=3, instruments=800, days=14 * 365 + 4,
    memory_days=5, memory_trades=500_000,
)  # fmt: skip
QUICK = Size(
    repetitions=2, trades=100_000, symbols=5, year=2, readings=1, instruments=50, days=1000, memory_days=2,
    memory_trades=100_000,
)  # fmt: skip


def measure(size: Size) -> dict[str, Any]:
    """The JSON object of the benchmark; takes what it needs from a ClickHouse of its own."""
    load = os.getloadavg()
    with place() as here:
        results = [
            *ingest.measure(here, repetitions=size.repetitions, trades=size.trades, symbols=size.symbols),
            *factors.measure(here, instruments=size.instruments, days=size.days),
            *year.measure(here, instruments=size.year, repetitions=size.readings),
            *memory.measure(here, days=size.memory_days, rows=size.memory_trades),
        ]
    return report.as_json("history", results, load)

"""Fills tables with bars and their ingest log, for the readings that are measured."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assets.bench import made
from market.dataset import Dataset, label
from store import writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

_COMPLETE = 1
_BATCH = 4_000_000  # rows put together before they are written


def bars(client: Client, instruments: Sequence[int], first: date, days: int, interval_s: int) -> int:
    """Number of bars written: every interval of every instrument and day, all of them called complete."""
    begin = made.start_ns(first)
    opens = np.arange(begin, begin + days * made.DAY_NS, interval_s * 1_000_000_000)
    waiting: list[pl.DataFrame] = []
    for instrument in instruments:
        waiting.append(made.minutes(instrument, opens, 7, interval_s))
        if sum(map(len, waiting)) >= _BATCH:
            writer.insert(client, "bars", pl.concat(waiting))
            waiting = []
    if waiting:
        writer.insert(client, "bars", pl.concat(waiting))
    _log(client, instruments, first, days, label(Dataset.BARS, interval_s))
    return len(opens) * len(instruments)


def _log(client: Client, instruments: Sequence[int], first: date, days: int, name: str) -> None:
    calendar = pl.date_range(first, first + timedelta(days=days - 1), eager=True).alias("day").to_frame()
    lives = pl.DataFrame({"instrument": instruments}, schema={"instrument": pl.UInt32})
    entries = lives.join(calendar, how="cross").with_columns(
        dataset=pl.lit(name), venue=pl.lit("bench"), state=pl.lit(_COMPLETE, dtype=pl.Int8), rows=pl.lit(1),
        content_hash=pl.lit(""), source=pl.lit("bench"), run_id=pl.lit(""), detail=pl.lit(""),
    )
    writer.insert(client, "ingest_log", entries)

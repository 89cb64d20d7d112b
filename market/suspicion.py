"""Bars that look like two histories under one symbol: a long silence, and then a price that no market makes.

LUNAUSDT was silent for 438 hours in May 2022 and came back at e^12 times its price: another coin. After a
redenomination the factor is near a power of ten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One silence with an absurd price after it."""

    instrument: int
    ended: int            # ns: open of the last bar before
    resumed: int          # ns: open of the first bar after
    silent_hours: float   # from the end of the one to the open of the other
    log_return: float     # of the first open after over the last close before
    power_of_ten: int     # k where the price is within a quarter of 10^k times the old one: a redenomination?; else 0


def suspicious(bars: pl.DataFrame, least_hours: float = 24.0, least_log_return: float = 1.5) -> list[Suspicion]:
    """Silences of at least `least_hours` with a log return of at least `least_log_return` either way, by time.

    `bars` has instrument, interval_s, ts_event, open and close, of one interval and in any order. Bars without a
    positive price are passed over.
    """
    pair = pl.col("open") / pl.col("close").shift(1)
    found = (
        bars.lazy().filter((pl.col("open") > 0) & (pl.col("close") > 0)).sort("instrument", "ts_event")
        .select(
            "instrument",
            pl.col("ts_event").shift(1).over("instrument").alias("ended"),
            pl.col("ts_event").alias("resumed"),
            (
                (pl.col("ts_event").diff() - pl.col("interval_s").shift(1).cast(pl.Int64) * 10**9) / HOUR_NS
            ).over("instrument").alias("silent_hours"),
            pair.log().over("instrument").alias("log_return"),
        )
        .filter((pl.col("silent_hours") >= least_hours) & (pl.col("log_return").abs() >= least_log_return))
        .collect()
    )
    return [Suspicion(**row, power_of_ten=_power(row["log_return"])) for row in found.iter_rows(named=True)]


def _power(log_return: float) -> int:
    power = round(log_return / math.log(10))
    return power if abs(log_return - power * math.log(10)) <= math.log(1.25) else 0

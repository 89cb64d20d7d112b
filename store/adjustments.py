"""Redenominations of instruments, point in time: what `market.adjustment` applies on read."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import polars as pl

from market import adjustment
from market.adjustment import Adjustment, Scales
from store import instruments as lives
from store import reader, writer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from clickhouse_connect.driver.client import Client

_COLUMNS = ("instrument", "ts_event", "ts_known", "numerator", "denominator", "reason")
_KEY = ("instrument", "ts_event")


def record(client: Client, adjustments: Iterable[Adjustment]) -> int:
    """Number of redenominations written: those that are new, or differ in their ratio from what we hold.

    A correction is known from its own `ts_known` on, and from now on where that is not later than what it corrects.
    """
    held = {(item.instrument, item.ts_event): item for item in factors(client, None)}
    fresh = []
    for item in adjustments:
        known = held.get((item.instrument, item.ts_event))
        if known is None:
            fresh.append(item)
        elif known.ratio != item.ratio:
            fresh.append(item if item.ts_known > known.ts_known else replace(item, ts_known=time.time_ns()))
    rows = pl.DataFrame([asdict(item) for item in fresh], schema_overrides={"instrument": pl.UInt32})
    return writer.insert(client, "adjustments", rows)


def factors(client: Client, instruments: Collection[int] | None, as_of_ns: int | None = None) -> list[Adjustment]:
    """Redenominations known and effective at `as_of_ns` (None: all), of these instruments (None: of all)."""
    where = "1" if instruments is None else "instrument IN {instruments:Array(UInt32)}"
    frame = reader.read_latest(
        client, "adjustments", columns=_COLUMNS, key=_KEY, where=where,
        parameters={"instruments": list(instruments or ())}, as_of_ns=as_of_ns,
    )
    return adjustment.in_force([Adjustment(**row) for row in frame.iter_rows(named=True)], as_of_ns)


def apply(client: Client, frame: pl.DataFrame, as_of_ns: int | None = None) -> pl.DataFrame:
    """The rows of a reader in the unit of `as_of_ns` (None: of today); see `market.adjustment.apply`."""
    instruments = frame["instrument"].unique().to_list()
    scales = {life.id: Scales(life.price_scale, life.qty_scale) for life in lives.load(client)}
    return adjustment.apply(frame, factors(client, instruments, as_of_ns), scales)

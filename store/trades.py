"""Trades, point in time, as frames and as event arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from market.dataset import Dataset
from market.events import Flag, Kind, empty
from store import adjustments, datasets

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl
    from clickhouse_connect.driver.client import Client

    from market.events import Events

KEY = datasets.KEYS[Dataset.TRADES]
# What a trade is, not how it reached us: one heard live equals the same one fetched later, and is no revision of it.
LASTING_FLAGS = np.uint16(Flag.AGGREGATE)


def read(
    client: Client,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    stored_by_ns: int | None = None,
    allow: Collection[str] = (),
    adjusted: bool = False,
) -> pl.DataFrame:
    """Trades of [start_ns, end_ns) as known at `as_of_ns`, sorted by instrument, time and id; see `datasets.read`.

    `adjusted` as in `store.bars.read`.
    """
    rows = datasets.read(
        client, Dataset.TRADES, instruments, start_ns, end_ns, as_of_ns, stored_by_ns=stored_by_ns, allow=allow
    )
    return adjustments.apply(client, rows, as_of_ns) if adjusted else rows


def events(
    client: Client,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    stored_by_ns: int | None = None,
    allow: Collection[str] = (),
) -> Events:
    """The same trades as an event array sorted by `ts_event`, trade id, instrument; `ts_recv` is when it was known."""
    return to_events(read(client, instruments, start_ns, end_ns, as_of_ns, stored_by_ns=stored_by_ns, allow=allow))


def to_events(frame: pl.DataFrame) -> Events:
    """Event array of a frame with the columns of `read`, sorted by `ts_event`, trade id, instrument."""
    out = empty(frame.height)
    for field, column in (
        ("ts_event", "ts_event"),
        ("ts_recv", "ts_known"),
        ("price", "price"),
        ("qty", "qty"),
        ("seq", "trade_id"),
        ("instrument", "instrument"),
        ("side", "side"),
        ("flags", "flags"),
    ):
        out[field] = frame[column].to_numpy()
    out["kind"] = Kind.TRADE
    return out[np.lexsort((out["instrument"], out["seq"], out["ts_event"]))]


def write(client: Client, frame: pl.DataFrame, seen_ns: int) -> int:
    """Number of new or revised trades written; those we hold already, equal in every value, are not written again."""
    return datasets.write(client, Dataset.TRADES, frame, seen_ns)

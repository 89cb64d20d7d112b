"""Labels: what a model is to predict, known only when its interval has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from store import writer
from store.reader import in_range, read_latest

if TYPE_CHECKING:
    from collections.abc import Collection

    from clickhouse_connect.driver.client import Client

KEY = ("label", "instrument", "ts_event", "seq")


def read(
    client: Client,
    label: str,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
) -> pl.DataFrame:
    """`instrument, ts_event, seq, ts_known, value` of intervals starting in [start_ns, end_ns), sorted.

    `ts_event` is the start of the label's interval, `ts_known` its end.
    """
    return read_latest(
        client,
        "labels",
        columns=("instrument", "ts_event", "seq", "ts_known", "value"),
        key=KEY,
        where=f"label = {{label:String}} AND instrument IN {{instruments:Array(UInt32)}} AND {in_range()}",
        parameters={"label": label, "instruments": list(instruments), "start_ns": start_ns, "end_ns": end_ns},
        as_of_ns=as_of_ns,
    )


def write(client: Client, label: str, frame: pl.DataFrame) -> int:
    """Number of rows written from `instrument, ts_event, seq, ts_known, value`; the same row twice merges away."""
    return writer.insert(client, "labels", frame.with_columns(label=pl.lit(label)))

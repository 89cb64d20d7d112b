"""The offline feature store: vectors by event, and the kernels' state at the end of each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from store import writer
from store.reader import in_range, read_latest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

KEY = ("feature_group", "version", "instrument", "ts_event", "seq")


@dataclass(frozen=True, slots=True)
class FeatureState:
    """A kernel's state after the last event of a day of an instrument."""

    instrument: int
    day: date
    last_event: int  # ns, 0 where the instrument had no event yet
    last_seq: int
    state: bytes


def read(
    client: Client,
    group: str,
    version: int,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
) -> pl.DataFrame:
    """`instrument, ts_event, seq, ts_known, vector` of [start_ns, end_ns), sorted; see `matrix`."""
    return read_latest(
        client,
        "features",
        columns=("instrument", "ts_event", "seq", "ts_known", "vector"),
        key=KEY,
        where="feature_group = {group:String} AND version = {version:UInt32}"
        f" AND instrument IN {{instruments:Array(UInt32)}} AND {in_range()}",
        parameters={
            "group": group,
            "version": version,
            "instruments": list(instruments),
            "start_ns": start_ns,
            "end_ns": end_ns,
        },
        as_of_ns=as_of_ns,
    )


def matrix(frame: pl.DataFrame) -> NDArray[np.float64]:
    """The vectors of a frame as (rows, features); (0, 0) when it is empty."""
    if frame.is_empty():
        return np.empty((0, 0))
    flat = frame["vector"].explode(empty_as_null=False).to_numpy()
    return np.ascontiguousarray(flat.reshape(frame.height, -1))


def vectors(rows: NDArray[np.float64]) -> pl.Series:
    """The inverse of `matrix`: a column of lists, named `vector`, ready for `write`."""
    return pl.Series("vector", rows, dtype=pl.Array(pl.Float64, rows.shape[1])).arr.to_list()


def write(client: Client, group: str, version: int, frame: pl.DataFrame) -> int:
    """Number of rows written from `instrument, ts_event, seq, ts_known, vector`; the same row twice merges away."""
    typed = frame.with_columns(feature_group=pl.lit(group), version=pl.lit(version, dtype=pl.UInt32))
    return writer.insert(client, "features", typed)


def load_state(client: Client, group: str, version: int, instrument: int, before: date) -> FeatureState | None:
    """The latest state of a day before `before`, None at the start of the instrument's life."""
    rows = client.query(
        "SELECT day, toUnixTimestamp64Nano(last_event), last_seq, state FROM feature_state"
        " WHERE feature_group = {group:String} AND version = {version:UInt32} AND instrument = {instrument:UInt32}"
        " AND day < {before:Date} ORDER BY day DESC, ts_stored DESC LIMIT 1",
        parameters={"group": group, "version": version, "instrument": instrument, "before": before},
        column_formats={"state": "bytes"},
    ).result_rows
    if not rows:
        return None
    day, last_event, last_seq, state = rows[0]
    return FeatureState(instrument, day, last_event, last_seq, bytes(state))


def save_state(client: Client, group: str, version: int, states: Iterable[FeatureState]) -> int:
    """Number of states written; a later state of the same day replaces the earlier one."""
    rows = list(states)
    if not rows:
        return 0
    frame = pl.DataFrame(
        {
            "feature_group": [group] * len(rows),
            "version": pl.Series([version] * len(rows), dtype=pl.UInt32),
            "instrument": [row.instrument for row in rows],
            "day": [row.day for row in rows],
            "last_event": pl.Series([row.last_event for row in rows], dtype=pl.Int64),
            "last_seq": [row.last_seq for row in rows],
            "state": pl.Series([row.state for row in rows], dtype=pl.Binary),
        }
    )
    return writer.insert(client, "feature_state", frame)

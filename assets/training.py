"""Training rows from the feature store: features joined with the label of the same trade, point in time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assets.errors import AssetCode
from assets.ingest import days as calendar
from infra.errors import TickhouseError
from research import split
from store import features, labels, reader

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from signals.features.registry import FeatureGroup

# Training rows are a sample: neighbours share most of their 60-second label, so more rows add time, not knowledge.
MAX_ROWS = 400_000
WINDOW_DAYS = 30
KEYS = ("instrument", "ts_event", "seq")


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows as arrays, ordered by time."""

    instrument: NDArray[np.int64]
    starts: NDArray[np.int64]      # of the label's interval, ns
    ends: NDArray[np.int64]
    label: NDArray[np.float64]
    features: NDArray[np.float32]  # float32 as the exported model sees them

    def split(self) -> split.Split:
        """Train, validation and test, purged by the label's interval."""
        return split.purged(self.starts, self.ends)


def last_day(client: Client, group: FeatureGroup) -> date:
    """The last day that has features; TRAINING_DATA_MISSING where none has."""
    frame = reader.query(
        client,
        "SELECT max(day) AS day, count() AS days FROM feature_state"
        " WHERE feature_group = {group:String} AND version = {version:UInt32}",
        {"group": group.name, "version": group.version},
    )
    day, count = frame.select(pl.col("day").cast(pl.Date), "days").row(0)
    if not count:
        raise TickhouseError(AssetCode.TRAINING_DATA_MISSING, group=group.name, version=group.version)
    return day  # type: ignore[no-any-return]


def assemble(
    client: Client, group: FeatureGroup, label: str, instruments: Sequence[int], last: date, days: int = WINDOW_DAYS
) -> pl.DataFrame:
    """`instrument, ts_event, seq, ts_known, label` and a float32 column a feature, of the `days` days up to `last`.

    As known at the end of `last`: labels whose interval ends later are not there. Sampled evenly to MAX_ROWS.
    """
    end_ns = calendar.start_ns(last) + calendar.DAY_NS
    window = [last - timedelta(days=back) for back in range(days)]
    first_ns = calendar.start_ns(window[-1])
    stride = _stride(client, label, instruments, first_ns, end_ns)
    parts = []
    for instrument in instruments:
        for day in reversed(window):
            start = calendar.start_ns(day)
            span = ([instrument], start, start + calendar.DAY_NS, end_ns)
            known = labels.read(client, label, *span).filter(pl.col("seq") % stride == 0)
            if known.is_empty():
                continue
            rows = features.read(client, group.name, group.version, *span).drop("ts_known")
            parts.append(_wide(known.rename({"value": "label"}).join(rows, on=list(KEYS), how="inner"), group.names))
    if not parts or not sum(part.height for part in parts):
        raise TickhouseError(AssetCode.TRAINING_DATA_MISSING, group=group.name, label=label, last=last, days=days)
    return pl.concat(parts).sort("ts_event", "instrument", "seq")


def save(frame: pl.DataFrame, folder: Path) -> Path:
    """The Parquet file, named by its content: the same rows are the same file."""
    digest = hashlib.sha256(frame.hash_rows(seed=1).to_numpy().tobytes()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{digest}.parquet"
    if not file.exists():
        draft = file.with_suffix(".tmp")
        frame.write_parquet(draft)
        draft.replace(file)
    return file


def load(file: Path, names: Sequence[str]) -> Rows:
    """The rows of a training file."""
    frame = pl.read_parquet(file)
    return Rows(
        frame["instrument"].cast(pl.Int64).to_numpy(),
        frame["ts_event"].to_numpy(),
        frame["ts_known"].to_numpy(),
        frame["label"].to_numpy(),
        np.ascontiguousarray(frame.select(names).to_numpy(), dtype=np.float32),
    )


def _wide(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    table: NDArray[Any] = features.matrix(frame).reshape(-1, len(names))
    columns = {name: table[:, place].astype(np.float32) for place, name in enumerate(names)}
    return frame.drop("vector").with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _stride(client: Client, label: str, instruments: Sequence[int], start_ns: int, end_ns: int) -> int:
    frame = reader.query(
        client,
        "SELECT count() AS rows FROM labels FINAL WHERE label = {label:String}"  # noqa: S608 - constants; values are bound
        f" AND instrument IN {{instruments:Array(UInt32)}} AND {reader.in_range()}",
        {"label": label, "instruments": list(instruments), "start_ns": start_ns, "end_ns": end_ns},
    )
    return max(1, -(-int(frame["rows"][0]) // MAX_ROWS))

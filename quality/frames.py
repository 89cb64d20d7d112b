"""Frames of bars and trades as the arrays of `market.bars`, and back."""

from __future__ import annotations

import numpy as np
import polars as pl

from market import bars
from market.bars import BAR, Bars
from market.dataset import SCHEMAS, Dataset
from store import trades

DAY_NS = 86_400_000_000_000
_END_OF_TIME = (1 << 63) - 1


def to_bars(frame: pl.DataFrame) -> Bars:
    """The rows as an array, sorted by instrument and time."""
    ordered = frame.sort("instrument", "ts_event")
    out = np.zeros(ordered.height, dtype=BAR)
    for name in BAR.names or ():
        out[name] = ordered[name].to_numpy()
    return out


def of_bars(array: Bars, source: str = "") -> pl.DataFrame:
    """A frame with the columns of the dataset."""
    schema = SCHEMAS[Dataset.BARS]
    columns = {name: np.ascontiguousarray(array[name]) for name in BAR.names or ()}
    return pl.DataFrame(columns).with_columns(source=pl.lit(source)).select(list(schema)).cast(
        dict(schema)  # type: ignore[arg-type]
    )


def rebuilt(frame: pl.DataFrame, interval_s: int, source: str = "") -> pl.DataFrame:
    """The bars that these trades make; minutes without a trade have none."""
    made = []
    for (instrument,), part in frame.partition_by("instrument", as_dict=True, maintain_order=True).items():
        state = bars.new_state(int(instrument), interval_s)
        made.append(bars.update(state, trades.to_events(part)))
        made.append(bars.close(state, _END_OF_TIME))
    return of_bars(np.concatenate(made) if made else bars.empty(0), source)


def with_day(frame: pl.DataFrame, column: str = "ts_event") -> pl.DataFrame:
    """Adds the UTC day of `column`."""
    return frame.with_columns(day=(pl.col(column) // DAY_NS).cast(pl.Int32).cast(pl.Date))

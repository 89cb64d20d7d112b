"""Records of a venue's history as frames in the columns of `market.dataset.SCHEMAS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from market.dataset import SCHEMAS, Dataset, conform
from market.events import Flag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from market.bars import Bars
    from market.events import Events
    from market.funding import FundingRates

# What a trade is, not how it reached us: one heard live equals the same one fetched later.
_LASTING_FLAGS = np.uint16(Flag.AGGREGATE)


def of_bars(bars: Bars, source: str) -> pl.DataFrame:
    """Bars as a frame."""
    return _frame(bars, Dataset.BARS, source, {})


def of_trades(events: Events, source: str) -> pl.DataFrame:
    """TRADE events as a frame; flags that tell how a trade came are left out."""
    frame = _frame(events, Dataset.TRADES, source, {"trade_id": "seq", "ts_known": "ts_recv"})
    return frame.with_columns(flags=pl.col("flags") & pl.lit(_LASTING_FLAGS, dtype=pl.UInt16))


def of_funding(rates: FundingRates, source: str) -> pl.DataFrame:
    """Funding settlements as a frame."""
    return _frame(rates, Dataset.FUNDING_RATES, source, {})


def _frame(records: NDArray[np.void], dataset: Dataset, source: str, renamed: dict[str, str]) -> pl.DataFrame:
    columns = {
        name: np.ascontiguousarray(records[renamed.get(name, name)]) for name in SCHEMAS[dataset] if name != "source"
    }
    return conform(pl.DataFrame(columns).with_columns(source=pl.lit(source)), dataset)

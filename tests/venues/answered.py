"""What a source answers, as one array."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market.dataset import SCHEMAS, Dataset
from market.instrument import Instrument
from venues.source import Request, Source


def answered(source: Source, dataset: Dataset, life: Instrument, start: int, end: int) -> NDArray[np.void]:
    """A record a row, a field a column of the dataset but `source`."""
    frames = source.fetch(Request(dataset, life, start, end))
    return pl.concat([pl.DataFrame(schema=SCHEMAS[dataset]), *frames]).drop("source").to_numpy(structured=True)

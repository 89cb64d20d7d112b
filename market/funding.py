"""Funding payments of perpetuals as the venue settled them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FUNDING_RATE = np.dtype(
    [
        ("ts_event", np.int64),    # when it was settled, ns
        ("ts_known", np.int64),    # when anyone could first have known it, ns
        ("rate", np.int64),        # 10^-12; positive: longs pay shorts
        ("mark_price", np.int64),  # 10^-price_scale, 0 where the venue gives none
        ("instrument", np.uint32),
    ],
    align=True,
)
RATE_SCALE = 12

FundingRates = NDArray[np.void]


def empty(count: int) -> FundingRates:
    """Zeroed array of `count` records."""
    return np.zeros(count, dtype=FUNDING_RATE)

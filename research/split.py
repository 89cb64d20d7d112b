"""Train, validation and test rows, purged by the interval that each label looks at.

A row belongs to a part only if its whole interval [start, end] lies inside it, so no label of one part saw a price
of another. Parts are cut in time, not in rows: on a panel of instruments a cut by row counts would leak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of each part, and the cuts in UTC ns."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    validation_start: int
    test_start: int


def purged(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    validation_share: float = 0.15,
    test_share: float = 0.25,
    embargo_ns: int = 0,
) -> Split:
    """Split of rows with label intervals [starts, ends] by shares of the time covered, oldest rows to train.

    Rows whose interval, lengthened by `embargo_ns`, reaches the next part are in no part. No rows give empty parts.
    """
    none = np.zeros(0, dtype=np.int64)
    if not len(starts):
        return Split(none, none, none, 0, 0)
    first, last = int(starts.min()), int(starts.max()) + 1
    test_start = last - int((last - first) * test_share)
    validation_start = test_start - int((last - first) * validation_share)
    reach = ends + embargo_ns
    train = np.flatnonzero(reach < validation_start)
    validation = np.flatnonzero((starts >= validation_start) & (reach < test_start))
    test = np.flatnonzero(starts >= test_start)
    return Split(train, validation, test, validation_start, test_start)

"""Binary floats to int64 at a scale, exactly: the decimal that was meant, or nothing.

A float stands for the shortest decimal that reads back as that float; this is what every writer of floats means. Where
it has no more decimals than the scale, it is the number. `5.330000000000001e-05` at scale 8 has more: a sum or a
product has left its trace in the last bits. Such a cell is refused, unless the file is declared `rounded`: then the
nearest decimal is taken, if the trace is no more than arithmetic leaves.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from venues.files.exact import scaled_text

_DISTINCT = 2.0**52    # steps up to here have a float each, wherever it lies in its binade
_LARGEST = 2.0**63     # the first float outside int64
_TRACE = 2.0**-40      # of the value: what a sum of some thousand terms leaves behind
_STEP = 0.01           # of one step of the scale: beyond it a digit was there, not a trace
_ULPS = 2.0            # the smallest trace that is always allowed

ROUNDED_HINT = (
    "more decimals than the instrument's scale; {count} such cells have 15 digits or more, as sums of binary floats do:"
    " if the file holds such sums, set the option rounded = true; nearest = true gives up any digits beyond the scale"
)


def scaled(values: pl.Series, scale: int, rounded: bool = False) -> pl.Series:
    """Whole numbers in 10^-scale (Int64) of a float column; null where the cell is empty or cannot be expressed.

    Not expressed are NaN, infinities, what leaves int64, and numbers with more decimals than `scale`; with `rounded`
    those within the error of arithmetic (2^-40 of the value and a hundredth of a step) become the nearest decimal.
    """
    if values.dtype == pl.Float32:
        return _from_text(values, scale, rounded)
    numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    unit = 10.0**scale
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.rint(numbers * unit)
        sure = (np.abs(whole) < _DISTINCT) & (whole / unit == numbers)
    out = pl.Series(values.name, np.where(sure, whole, 0.0).astype(np.int64))
    if sure.all():
        return out
    # The few others are written out: their digits decide.
    rest = np.flatnonzero(~sure)
    slow = _from_text(pl.Series(values.name, numbers[rest]), scale, rounded)
    return out.scatter(rest, slow)


def _from_text(values: pl.Series, scale: int, rounded: bool) -> pl.Series:
    finite = values.is_finite().fill_null(value=False)
    text = values.cast(pl.String).set(~finite, None)
    whole = scaled_text(text, scale)
    if rounded and whole.null_count():
        whole = whole.zip_with(whole.is_not_null(), _nearest(values.cast(pl.Float64), scale))
    return whole.alias(values.name)


def _nearest(values: pl.Series, scale: int) -> pl.Series:
    """The nearest whole number of steps where no more than a trace lies between."""
    numbers = values.fill_null(np.nan).to_numpy()
    unit = 10.0**scale
    with np.errstate(invalid="ignore", over="ignore"):
        steps = numbers * unit
        whole = np.rint(steps)
        off = np.abs(whole / unit - numbers)
        allowed = np.maximum(_ULPS * np.abs(np.spacing(numbers)), np.minimum(_TRACE * np.abs(numbers), _STEP / unit))
        taken = np.isfinite(numbers) & (np.abs(steps) < _LARGEST) & (off <= allowed)
    return _nullable(whole, taken)


def _nullable(whole: NDArray[np.float64], taken: NDArray[np.bool_]) -> pl.Series:
    numbers = pl.Series(np.where(taken, whole, 0.0).astype(np.int64))
    return numbers.set(~pl.Series(taken), None)

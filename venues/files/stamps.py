"""Stamps in text to UTC nanoseconds; the unit is found by magnitude, once for the whole file."""

from __future__ import annotations

import polars as pl

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.exact import refuse_nulls, scaled_text
from venues.files.table import LINE

# Digits that a unit leaves out of a nanosecond. Between two units lie three decimals: 10^11 s is the year 5138, and
# 10^11 ms is 1973, before there was anything to stamp.
_UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_BOUNDS = (("s", 10**11), ("ms", 10**14), ("us", 10**17))


class Stamps:
    """The stamps of one file: feed it every batch, in order.

    `unit` ("s", "ms", "us", "ns") where it is known; otherwise the magnitude of the first stamp tells, and one of
    another magnitude later is FILE_STAMPS_MIXED with both lines. With `per_row` each row may have its own unit. 0 is 0
    in any unit. A fraction is fine down to the nanosecond.
    """

    def __init__(self, file: str, unit: str = "", *, per_row: bool = False) -> None:
        self._file = file
        self._known = unit
        self._unit = unit
        self._per_row = per_row
        self._first: object = None

    def ns(self, text: pl.DataFrame, column: str) -> pl.Series:
        """The stamps of `column`, int64 ns; FILE_ROW_BAD for one that is no number, is negative or does not fit."""
        if not self._unit or not self._known:
            self._find(text, column)
        if self._per_row and not self._known:
            return self._each(text, column)
        stamps = scaled_text(text[column], _UNITS[self._unit or "ms"])
        return self._checked(stamps, text, column)

    def _find(self, text: pl.DataFrame, column: str) -> None:
        size = self._magnitudes(text, column)
        units = _unit_of(size)
        found = units.drop_nulls().unique()
        if self._per_row or not len(found):
            return
        if not self._unit:
            at = units.is_not_null().arg_max()
            assert at is not None  # noqa: S101 - there is one, or `found` were empty
            self._unit, self._first = units[at], text[LINE][at]
        strange = (units != self._unit).fill_null(value=False)
        if strange.any():
            at = strange.arg_max()
            assert at is not None  # noqa: S101
            raise TickhouseError(
                FileCode.FILE_STAMPS_MIXED, file=self._file, column=column, line=text[LINE][at], value=text[column][at],
                unit=units[at], first_line=self._first, first_unit=self._unit,
            )

    def _each(self, text: pl.DataFrame, column: str) -> pl.Series:
        units = _unit_of(self._magnitudes(text, column))
        out = pl.Series(column, [0], dtype=pl.Int64).new_from_index(0, text.height)
        for unit in units.drop_nulls().unique():
            at = (units == unit).arg_true()
            out = out.scatter(at, scaled_text(text[column].gather(at), _UNITS[unit]))
        return self._checked(out, text, column)

    def _magnitudes(self, text: pl.DataFrame, column: str) -> pl.Series:
        cells = text[column]
        whole = cells.cast(pl.Int64, strict=False)
        if whole.null_count():
            # Stamps with a fraction; the magnitude needs no exactness.
            whole = cells.cast(pl.Float64, strict=False).floor().cast(pl.Int64, strict=False)
            refuse_nulls(self._file, whole.to_frame(), [column], text, "not a stamp")
        return whole

    def _checked(self, stamps: pl.Series, text: pl.DataFrame, column: str) -> pl.Series:
        frame = pl.select(pl.when(stamps >= 0).then(stamps).alias(column))
        refuse_nulls(self._file, frame, [column], text, "not a stamp")
        return frame[column]


def _unit_of(size: pl.Series) -> pl.Series:
    expr: pl.Expr = pl.lit("ns")
    for unit, bound in reversed(_BOUNDS):
        expr = pl.when(pl.col("size") < bound).then(pl.lit(unit)).otherwise(expr)
    return size.alias("size").to_frame().select(pl.when(pl.col("size") > 0).then(expr).alias("unit"))["unit"]

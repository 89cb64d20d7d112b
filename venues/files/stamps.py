"""Stamps in text to UTC nanoseconds; the unit is found by magnitude, once for the whole file."""

from __future__ import annotations

import polars as pl

from infra.errors import TickhouseError
from market.rounding import INT64_MAX
from venues.files.errors import FileCode
from venues.files.exact import refuse_nulls, scaled_text
from venues.files.table import LINE

# Decimals that a unit leaves out of a nanosecond. Between two units lie three: 10^11 s is the year 5138, and 10^11 ms
# is 1973, before there was anything to stamp.
_UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_BOUNDS = (("s", 10**11), ("ms", 10**14), ("us", 10**17))


class Stamps:
    """The stamps of one file: feed it every batch, in order.

    `unit` ("s", "ms", "us", "ns") where it is known; otherwise the magnitude of the first stamp tells, and one of
    another magnitude later is FILE_STAMPS_MIXED with both lines. With `per_row` each row may have its own unit. 0 is 0
    in any unit, and a negative one is given as it stands, for the checks to find. A fraction is fine down to the
    nanosecond.
    """

    def __init__(self, file: str, unit: str = "", *, per_row: bool = False) -> None:
        self._file = file
        self._known = bool(unit)
        self._unit = unit
        self._per_row = per_row
        self._first_line: object = None

    def ns(self, text: pl.DataFrame, column: str) -> pl.Series:
        """The stamps of `column`, int64 ns; FILE_ROW_BAD for one that is no number or does not fit."""
        cells = text[column]
        sizes = cells.cast(pl.Int64, strict=False)
        whole = not sizes.null_count()
        if not whole:  # fractions; magnitude needs no exactness
            sizes = cells.cast(pl.Float64, strict=False).floor().cast(pl.Int64, strict=False)
            refuse_nulls(self._file, sizes.to_frame(), [column], text, "not a stamp")
        if not self._known:
            units = self._units(sizes, text, column)
            if units is not None:
                return self._each(units, text, column)
        decimals = _UNITS[self._unit or "ns"]
        if whole and sizes.is_between(-INT64_MAX // 10**decimals, INT64_MAX // 10**decimals).all():
            return sizes if decimals == 0 else sizes.to_frame().select(pl.col(column) * 10**decimals)[column]
        return self._checked(scaled_text(cells.cast(pl.String), decimals), text, column)

    def _units(self, sizes: pl.Series, text: pl.DataFrame, column: str) -> pl.Series | None:
        """The unit of each row where they may differ; None where the file has one, which is then known."""
        low, high = sizes.to_frame("size").filter(pl.col("size") > 0).select(
            low=pl.col("size").min(), high=pl.col("size").max()
        ).row(0)
        if low is None:
            return None
        if not self._unit and not self._per_row:
            at = (sizes > 0).arg_true()[0]
            self._unit, self._first_line = unit_of(sizes[at]), text[LINE][at]
        if unit_of(low) == unit_of(high) == self._unit:
            return None
        units = _each_unit(sizes)
        if self._per_row:
            return units
        at = (units != self._unit).fill_null(value=False).arg_true()[0]
        raise TickhouseError(
            FileCode.FILE_STAMPS_MIXED, file=self._file, column=column, line=text[LINE][at], value=text[column][at],
            unit=units[at], first_line=self._first_line, first_unit=self._unit,
        )

    def _each(self, units: pl.Series, text: pl.DataFrame, column: str) -> pl.Series:
        out = pl.zeros(text.height, pl.Int64, eager=True)
        for unit in units.drop_nulls().unique():
            at = (units == unit).arg_true()
            out = out.scatter(at, scaled_text(text[column].gather(at).cast(pl.String), _UNITS[unit]))
        return self._checked(out, text, column)

    def _checked(self, stamps: pl.Series, text: pl.DataFrame, column: str) -> pl.Series:
        made = stamps.rename(column)
        refuse_nulls(self._file, made.to_frame(), [column], text, "not a stamp")
        return made


def unit_of(stamp: int) -> str:
    """The unit whose magnitude a stamp above 0 has."""
    return next((unit for unit, bound in _BOUNDS if stamp < bound), "ns")


def _each_unit(sizes: pl.Series) -> pl.Series:
    expr: pl.Expr = pl.lit("ns")
    for unit, bound in reversed(_BOUNDS):
        expr = pl.when(pl.col("size") < bound).then(pl.lit(unit)).otherwise(expr)
    return sizes.to_frame("size").select(pl.when(pl.col("size") > 0).then(expr).alias("unit"))["unit"]

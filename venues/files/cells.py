"""Cells of a table, whatever their type, as exact whole numbers; a row that has none is named and refused."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING

import polars as pl

from market.rounding import INT64_MAX
from venues.files import floats
from venues.files.exact import refuse_nulls, scaled_text
from venues.files.floats import ROUNDED_HINT

if TYPE_CHECKING:
    from collections.abc import Mapping


def whole(values: pl.Series, scale: int, rounded: bool = False, nearest: bool = False) -> pl.Series:
    """The column as Int64 in 10^-scale; null where a cell is empty or has no exact value at this scale.

    Text is read as text, whole numbers and decimals by their digits, binary floats as `floats.scaled` says. With
    `rounded`, text too may carry the traces of binary arithmetic (`6.1153319800000006`). With `nearest`, digits beyond
    the scale are rounded half to even.
    """
    found = _whole(values, scale, rounded)
    if not nearest or found.null_count() == values.null_count():
        return found
    lost = (found.is_null() & values.is_not_null()).arg_true()
    return found.scatter(lost, [_nearest(cell, scale) for cell in values.gather(lost)])


def _whole(values: pl.Series, scale: int, rounded: bool) -> pl.Series:
    if values.dtype.is_float():
        return floats.scaled(values, scale, rounded)
    text = values.cast(pl.String).str.strip_chars()
    found = scaled_text(text, scale)
    if rounded and found.null_count() > text.null_count():
        # Only what reads as a number can be the trace of one.
        lost = found.is_null() & text.is_not_null()
        found = found.zip_with(~lost, floats.scaled(text.cast(pl.Float64, strict=False), scale, rounded=True))
    return found


def _nearest(cell: object, scale: int) -> int | None:
    try:
        number = Decimal(str(cell).strip())
        steps = int(number.scaleb(scale).to_integral_value(ROUND_HALF_EVEN)) if number.is_finite() else None
    except (InvalidOperation, OverflowError):
        return None
    return steps if steps is not None and abs(steps) <= INT64_MAX else None


def refuse(file: str, source: pl.DataFrame, made: Mapping[str, pl.Series], why: str = "") -> None:
    """FILE_ROW_BAD for the first row where one of the columns `made` of `source` (which has `line`) is null."""
    if any(series.null_count() for series in made.values()):
        refuse_nulls(file, pl.DataFrame(dict(made)), list(made), source, why)


def refuse_numbers(file: str, source: pl.DataFrame, made: Mapping[str, pl.Series], origin: Mapping[str, str]) -> None:
    """As `refuse`, for numbers: the error says where only `rounded` would read them, and how many there are."""
    for name, series in made.items():
        cells = source[origin[name]] if origin[name] in source.columns else None
        lost = series.is_null()
        if cells is None or not lost.any():
            continue
        text = cells.filter(lost).drop_nulls().cast(pl.String)
        traces = int(text.str.replace_all(r"[^0-9]", "").str.len_chars().ge(15).sum())
        refuse(file, source, {name: series}, ROUNDED_HINT.format(count=traces) if traces else "")
    refuse(file, source, made)

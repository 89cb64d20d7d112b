"""Numbers in text to whole numbers in 10^-scale, exact or null: polars' own decimals, and no float on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from infra.errors import TickhouseError
from market.rounding import INT64_MAX
from venues.files.errors import FileCode

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?", re.ASCII)
_GUARD = 18          # digits kept beyond the scale: rounding inside polars shows itself there
_GUARD_UNIT = 10**_GUARD


def scaled(column: str, scale: int) -> pl.Expr:
    """Text of `column` as int64 in 10^-scale.

    Null where the text is not one number, has digits other than 0 beyond the scale, or does not fit int64: the caller
    refuses these rows (`refuse_nulls`). A sign, an exponent (`1e-05`) and a missing side of the point (`.5`) are fine.
    """
    return pl.col(column).map_batches(lambda text: scaled_text(text, scale), return_dtype=pl.Int64)


def scaled_text(text: pl.Series, scale: int) -> pl.Series:
    """`scaled` of a series; scales from 0 to 18."""
    fine = text.cast(pl.Decimal(38, scale + _GUARD), strict=False).alias("fine").to_physical()
    whole = pl.col("fine") // _GUARD_UNIT
    exact = pl.when(whole * _GUARD_UNIT == pl.col("fine")).then(whole.cast(pl.Int64, strict=False))
    out = fine.to_frame().select(exact.alias("out"))["out"]
    # Polars rounds to the guard digits in silence: text that could be hurt by it is read again, digit by digit.
    # Without an exponent that takes more digits than scale and guard; with one, 19 digits; or it became zero.
    size = text.str.len_bytes()
    doubtful = (size > _GUARD + 1).fill_null(value=False)
    if doubtful.any():
        doubtful &= ((size > scale + _GUARD + 1) | text.str.contains("[eE]")).fill_null(value=False)
    zero = (fine == 0).fill_null(value=False)
    if zero.any():
        doubtful |= zero & text.str.contains("[1-9]").fill_null(value=False)
    if doubtful.any():
        at = doubtful.arg_true()
        out = out.scatter(at, [_slowly(cell, scale) for cell in text.gather(at)])
    return out.rename(text.name)


def refuse_nulls(file: str, rows: pl.DataFrame, columns: Sequence[str], text: pl.DataFrame, why: str = "") -> None:
    """FILE_ROW_BAD for the first row with a null in one of `columns`.

    `text` has the same rows as they were in the file, with `line`: the error shows them.
    """
    if not any(rows[name].null_count() for name in columns):
        return
    at, name = min((rows[name].is_null().arg_true()[0], name) for name in columns if rows[name].null_count())
    row = {key: value for key, value in text.row(at, named=True).items() if key != "line"}
    problem = why or "not a number that fits exactly"
    shown = ",".join("" if value is None else str(value) for value in row.values())[:200]
    raise TickhouseError(
        FileCode.FILE_ROW_BAD, file=file, line=text["line"][at], column=name, problem=problem, row=shown
    )


def _slowly(cell: str | None, scale: int) -> int | None:
    if cell is None or not _NUMBER.fullmatch(cell):
        return None
    sign, digits, exponent = Decimal(cell).as_tuple()
    if not isinstance(exponent, int):
        return None
    value, shift = int("".join(map(str, digits))), exponent + scale
    if value == 0:
        return 0
    if shift > 40 or -shift > len(digits):
        return None
    value, rest = (value * 10**shift, 0) if shift >= 0 else divmod(value, 10**-shift)
    value = -value if sign else value
    return None if rest or not -INT64_MAX - 1 <= value <= INT64_MAX else value

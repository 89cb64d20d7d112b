"""Numbers in text to whole numbers in 10^-scale, exact or null: polars' own decimals, and no float on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    return scaled_columns(text.to_frame("text"), {"text": ("text", scale)})["text"].rename(text.name)


def scaled_columns(text: pl.DataFrame, wanted: Mapping[str, tuple[str, int]]) -> pl.DataFrame:
    """`scaled` of several columns at once, on all cores: new name -> (column of `text`, scale)."""
    fine = [
        pl.col(column).cast(pl.Decimal(38, scale + _GUARD), strict=False).to_physical().alias(name)
        for name, (column, scale) in wanted.items()
    ]
    # Polars rounds to the guard digits in silence. What that could hurt is read again, digit by digit: text with more
    # digits than scale and guard, or with an exponent and 19 digits, or that became zero.
    long = [pl.col(column).str.len_bytes().max().alias(f"long {name}") for name, (column, _) in wanted.items()]
    zero = [(pl.col(name) == 0).any().alias(f"zero {name}") for name in wanted]
    whole = [pl.col(name) // _GUARD_UNIT for name in wanted]
    exact = [
        pl.when(part * _GUARD_UNIT == pl.col(name)).then(part.cast(pl.Int64, strict=False)).alias(name)
        for name, part in zip(wanted, whole, strict=True)
    ]
    parts = text.lazy().select(*fine, *long)
    out = parts.select(*exact, *(pl.col(f"long {name}").first() for name in wanted), *zero).collect()
    found = out.select(*wanted)
    if not text.height:
        return found
    for name, (column, scale) in wanted.items():
        if out[f"zero {name}"][0] or (out[f"long {name}"][0] or 0) > _GUARD + 1:
            found = found.with_columns(_read_again(text[column], found[name], scale).alias(name))
    return found


def _read_again(text: pl.Series, found: pl.Series, scale: int) -> pl.Series:
    size = text.str.len_bytes()
    doubtful = (size > _GUARD + 1).fill_null(value=False)
    if doubtful.any():
        doubtful &= ((size > scale + _GUARD + 1) | text.str.contains("[eE]")).fill_null(value=False)
    zero = ((found == 0) & ~doubtful).fill_null(value=False)
    if zero.any():
        at = zero.arg_true()
        hidden = text.gather(at).str.contains("[1-9]")
        doubtful = doubtful.scatter(at, hidden)
    if not doubtful.any():
        return found
    at = doubtful.arg_true()
    return found.scatter(at, pl.Series([_slowly(cell, scale) for cell in text.gather(at)], dtype=pl.Int64))


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

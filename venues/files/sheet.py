"""A batch of text rows on its way to a dataset's frame: what the publishers' formats share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from market.dataset import Dataset
from market.events import Flag, Side
from market.funding import RATE_SCALE
from venues.files import cells, times
from venues.files.exact import refuse_nulls, scaled_columns, scaled_text
from venues.files.format import Part
from venues.files.table import LINE

if TYPE_CHECKING:
    from venues.files.format import Opened

# What a trade is, not how it reached us: the same one by REST or heard live is no revision of it.
PLAIN_TRADE = 0
AGGREGATE_TRADE = int(Flag.AGGREGATE)
TAKER = {"buy": Side.BUY, "sell": Side.SELL}
MAKER_BOUGHT = {"true": Side.SELL, "false": Side.BUY, "1": Side.SELL, "0": Side.BUY}  # "is the buyer the maker?"
BOOK = {"bid": Side.BUY, "ask": Side.SELL}
_NO_VALUE = ("", "null", "NULL", "\\N", "nan", "NaN", "None")


class Sheet:
    """The rows of `text` (columns of the file, and `line`), column by column; FILE_ROW_BAD names the first bad row."""

    def __init__(self, file: Opened, text: pl.DataFrame) -> None:
        self._file = file
        self.text = text

    def exact(
        self, prices: Mapping[str, str] | None = None, qtys: Mapping[str, str] | None = None,
        rates: Mapping[str, str] | None = None,
    ) -> dict[str, pl.Series]:
        """Prices and quantities in the scales of the file's instrument, rates in 10^-12: new name -> column."""
        life = self._file.life
        kinds = ((prices, life.price_scale), (qtys, life.qty_scale), (rates, RATE_SCALE))
        wanted = {name: (column, scale) for of, scale in kinds for name, column in (of or {}).items()}
        made = scaled_columns(self.text, wanted)
        refuse_nulls(self._file.name, made, list(wanted), self.text)
        return made.to_dict()

    def exact_or_none(
        self, prices: Mapping[str, str] | None = None, qtys: Mapping[str, str] | None = None
    ) -> dict[str, pl.Series]:
        """As `exact`, with null for an empty cell."""
        origin = {**(prices or {}), **(qtys or {})}
        filled = [pl.when(pl.col(name) == "").then(pl.lit("0")).otherwise(name).alias(name) for name in origin.values()]
        made = Sheet(self._file, self.text.with_columns(filled)).exact(prices, qtys)
        return {name: series.set(self.text[origin[name]] == "", None) for name, series in made.items()}

    def whole(self, column: str) -> pl.Series:
        """An id or a count."""
        made = self.text[column].cast(pl.Int64, strict=False)
        if made.null_count():
            made = scaled_text(self.text[column], 0)
            refuse_nulls(self._file.name, made.to_frame(), [column], self.text)
        return made

    def real(self, column: str) -> pl.Series:
        """A finite float, for analytics."""
        made = self.text[column].cast(pl.Float64, strict=False)
        made = made.set(~made.is_finite().fill_null(value=False), None)
        if made.null_count():
            refuse_nulls(self._file.name, made.to_frame(), [column], self.text, "not a finite number")
        return made

    def word(self, column: str, words: Mapping[str, int]) -> pl.Series:
        """What stands for each of the words, in any case; uint8."""
        forms = {form: int(value) for word, value in words.items() for form in (word, word.capitalize(), word.upper())}
        made = self.text[column].replace_strict(forms, default=None, return_dtype=pl.UInt8)
        if made.null_count():
            refuse_nulls(self._file.name, made.to_frame(), [column], self.text, f"none of {', '.join(words)}")
        return made

    def written_time(self, column: str) -> pl.Series:
        """`2024-01-31 00:05:00`, UTC, in ns."""
        made = times.nanoseconds(self.text[column])
        cells.refuse(self._file.name, self.text, {column: made}, "not a time")
        return made

    def told(self, *columns: str) -> Sheet:
        """Only the rows in which every one of the columns has a value: an empty cell says that there is none."""
        there = pl.all_horizontal(~pl.col(column).is_in(_NO_VALUE) for column in columns)
        return Sheet(self._file, self.text.filter(there))

    def where(self, holds: pl.Expr) -> Sheet:
        """Only the rows of which `holds` is true."""
        return Sheet(self._file, self.text.filter(holds))

    def part(self, dataset: Dataset, columns: Mapping[str, pl.Series | int | str]) -> Part:
        """The rows of a dataset; numbers and words stand for all rows."""
        made = [value.alias(name) for name, value in columns.items() if isinstance(value, pl.Series)]
        same = [pl.lit(value).alias(name) for name, value in columns.items() if not isinstance(value, pl.Series)]
        frame = pl.DataFrame(made) if made else self.text.select([])
        life = pl.lit(self._file.life.id, dtype=pl.UInt32).alias("instrument")
        return Part(dataset, frame.with_columns(*same, life, self.text[LINE]))

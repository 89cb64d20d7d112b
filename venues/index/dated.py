"""Rows of text into dated values: when each was, when it was known, and what must be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from market.instrument import Instrument
from venues.errors import VenueCode
from venues.files import times
from venues.files.errors import FileCode
from venues.files.table import LINE
from venues.index.errors import IndexCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venues.catalogue import Index
    from venues.index.answer import Answer

_SECOND = 1_000_000_000
_EXCERPT = 300


def values(entry: Index, url: str, answer: Answer) -> pl.DataFrame:
    """`line, ts_event, ts_known, symbol, written` and a column of values (null: none told) a series, by time.

    Unreadable values are null in their series and text in `<series>!`: `taken` refuses them where they are asked for.
    SERIES_ROW_BAD for a row without a time, SOURCES_INVALID for a time unit that nobody understands.
    """
    cells = answer.cells
    stamps = _times(entry, url, cells, entry.time)
    known = stamps + entry.publication_lag_s * _SECOND
    if entry.published:
        known = _times(entry, url, cells, entry.published)
    symbol = cells[entry.symbol] if entry.symbol else pl.Series([""]).new_from_index(0, cells.height)
    frame = cells.select(LINE).with_columns(
        stamps.alias("ts_event"), known.alias("ts_known"), symbol.cast(pl.String).alias("symbol")
    )
    for name, column in entry.columns.items():
        text = cells[column]
        number = text.cast(pl.Float64, strict=False)
        good = number.is_finite().fill_null(value=False)
        frame = frame.with_columns(number.set(~good, None).alias(name), text.set(good, None).alias(f"{name}!"))
    return frame.sort("ts_event", "ts_known", maintain_order=True)


def taken(
    frame: pl.DataFrame, raw: Mapping[int, str], url: str, series: str, life: Instrument, start: int, end: int
) -> pl.DataFrame:
    """`line, ts_event, ts_known, value` of one series of one life in [start, end); of restated ones the last.

    FILE_ROW_BAD for a value that is no number, and where one time has two values and one publication time.
    """
    wanted = frame.filter((pl.col("ts_event") >= start) & (pl.col("ts_event") < end))
    if life.id:
        wanted = wanted.filter(pl.col("symbol").str.to_uppercase().is_in(sorted(_names(life))))
    bad = wanted.filter(pl.col(f"{series}!").is_not_null())
    if bad.height:
        row = bad.row(0, named=True)
        raise TickhouseError(
            FileCode.FILE_ROW_BAD, file=url, line=row[LINE], series=series, value=row[f"{series}!"][:100],
            problem="not a finite number", excerpt=raw.get(row[LINE], "")[:_EXCERPT],
        )
    told = wanted.select(LINE, "ts_event", "ts_known", pl.col(series).alias("value")).drop_nulls("value")
    if told["ts_event"].is_duplicated().any():
        twice = told.filter(pl.struct("ts_event", "ts_known").is_duplicated()).group_by("ts_event", maintain_order=True)
        apart = twice.agg(pl.col("value").n_unique(), pl.col(LINE)).filter(pl.col("value") > 1)
        if apart.height:
            lines = apart[LINE][0].to_list()
            raise TickhouseError(
                FileCode.FILE_ROW_BAD, file=url, line=lines[-1], series=series,
                time=apart["ts_event"].cast(pl.Datetime("ns"))[0].isoformat(),
                problem=f"rows {', '.join(map(str, lines))} tell different values of one time, and none is later",
                excerpt=" ".join(raw.get(line, "") for line in lines)[:_EXCERPT],
            )
        told = told.unique("ts_event", keep="last", maintain_order=True)
    return told


def _times(entry: Index, url: str, cells: pl.DataFrame, column: str) -> pl.Series:
    try:
        stamps = times.nanoseconds(cells[column], entry.time_unit)
    except times.TimeOptionError as error:
        raise TickhouseError(
            VenueCode.SOURCES_INVALID, key=f"index.{entry.name}.time_unit", problem=str(error)
        ) from error
    if stamps.null_count():
        at = stamps.is_null().arg_max() or 0
        raise TickhouseError(
            IndexCode.SERIES_ROW_BAD, url=url, row=cells[LINE][at], column=column, value=cells[column][at],
            problem=f"not a time in {entry.time_unit}",
        )
    return stamps


def _names(life: Instrument) -> set[str]:
    """How publishers name an instrument: by symbol, by the venue's symbol or by its base currency."""
    return {name.upper() for name in (life.symbol, life.venue_symbol, life.base, life.base + life.quote) if name}

"""A table whose columns people name: the map in the options of config/sources.toml, and what it makes of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.errors import VenueCode
from venues.files import times
from venues.files.intervals import seconds

# What each dataset needs and what it may have, by our names.
NEEDED: dict[Dataset, tuple[str, ...]] = {
    Dataset.BARS: ("ts_event", "open", "high", "low", "close", "volume"),
    Dataset.TRADES: ("ts_event", "price", "qty"),
    Dataset.QUOTES: ("ts_event", "bid_price", "bid_qty", "ask_price", "ask_qty"),
    Dataset.FUNDING_RATES: ("ts_event", "rate"),
    Dataset.OPEN_INTEREST: ("ts_event", "qty"),
    Dataset.SERIES: ("ts_event",),
}
OPTIONAL: dict[Dataset, tuple[str, ...]] = {
    Dataset.BARS: ("count", "ts_known"),
    Dataset.TRADES: ("trade_id", "side", "ts_known"),
    Dataset.QUOTES: ("ts_recv", "seq"),
    Dataset.FUNDING_RATES: ("mark_price", "ts_known"),
    Dataset.OPEN_INTEREST: ("ts_known",),
    Dataset.SERIES: ("ts_known",),
}


_OF_ALL = ("member", "symbols")  # options of every format: which file of an archive, and the publisher's symbols


class ColumnMap(BaseModel):
    """Which column of the file is which of ours, and how its cells are written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Dataset
    columns: dict[str, str]                 # ours -> the file's; "1", "2", ... where the file has no header
    series: dict[str, str] = {}             # series name -> column of its value
    time: str = "iso"                       # "iso", "auto", "s", "ms", "us", "ns", or a strptime pattern
    zone: str = "UTC"                       # of times that name none: "UTC", "UTC+03:00" or an IANA name
    stamp: Literal["open", "end"] = "open"  # which moment of a bar its stamp is
    interval_s: int | None = None           # of bars; also as "1h"
    where: dict[str, str] = {}              # only rows whose column has this text
    symbol: str = ""                        # column that names the instrument; checked against the life
    buy: tuple[str, ...] = ("buy", "b", "bid")    # how the aggressor's side is written, in lower case
    sell: tuple[str, ...] = ("sell", "s", "ask")
    lag_s: int = Field(default=0, ge=0)     # after its event a row of a series or of funding is known
    rounded: bool = False                   # numbers carry the traces of binary arithmetic: see floats.py
    nearest: bool = False                   # digits beyond the scale are given up, half to even

    @field_validator("interval_s", mode="before")
    @classmethod
    def _interval(cls, value: object) -> object:
        return seconds(value) or value if isinstance(value, str) else value

    @field_validator("time")
    @classmethod
    def _time(cls, value: str) -> str:
        if value not in {"iso", "auto", *times.UNITS}:
            times.expression(value)
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        times.to_utc(pl.Series([], dtype=pl.Int64), value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> ColumnMap:
        if self.dataset not in NEEDED:
            raise ValueError(f"a table of columns cannot hold {self.dataset}")
        missing = [name for name in NEEDED[self.dataset] if name not in self.columns]
        unknown = [name for name in self.columns if name not in NEEDED[self.dataset] + OPTIONAL[self.dataset]]
        if missing or unknown:
            lists = f"missing {', '.join(missing) or 'none'}, unknown {', '.join(unknown) or 'none'}"
            raise ValueError(f"columns of {self.dataset}: {lists}")
        if (self.dataset is Dataset.SERIES) != bool(self.series):
            raise ValueError("series = {name = column} belongs to the dataset series, and to it alone")
        return self

    @property
    def used(self) -> list[str]:
        """The file's columns that are read, each once."""
        return list(dict.fromkeys([*self.columns.values(), *self.series.values(), *self.where, *self._named()]))

    def _named(self) -> list[str]:
        return [self.symbol] if self.symbol else []


def of(options: Mapping[str, Any], file: str, *others: str) -> ColumnMap:
    """The map in these options without the reader's own keys `others`; SOURCES_INVALID names the wrong key."""
    foreign = {*others, *_OF_ALL}
    try:
        return ColumnMap.model_validate({key: value for key, value in options.items() if key not in foreign})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(["options", *(str(part) for part in first["loc"])])
        raise TickhouseError(VenueCode.SOURCES_INVALID, file=file, key=key, problem=first["msg"]) from error


def numbers(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that say how numbers are taken, for formats that make their own map."""
    return {key: options[key] for key in ("rounded", "nearest") if key in options}

"""`config/sources.toml`: what history is taken from where, by name; checked as a whole before anything runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from infra.errors import TickhouseError
from infra.toml_file import read
from market.dataset import Dataset
from venues.errors import VenueCode

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Feed(_Entry):
    """A dataset taken from a venue's REST interface; the asset is `<venue>/<name>`."""

    dataset: Dataset
    interval_s: int = 60  # of bars
    series: str = ""      # of a series: "long_short_ratio"

    @model_validator(mode="after")
    def _series_is_named(self) -> Feed:
        if (self.dataset is Dataset.SERIES) != bool(self.series):
            raise ValueError('series: its name with dataset = "series", for example "long_short_ratio", else nothing')
        return self

    @property
    def name(self) -> str:
        """Last part of the asset's key."""
        from market.dataset import INTERVALS

        if self.series:
            return self.series
        if self.dataset is Dataset.BARS:
            return f"bars_{INTERVALS.get(self.interval_s, f'{self.interval_s}s')}"
        return {Dataset.FUNDING_RATES: "funding"}.get(self.dataset, str(self.dataset))


class Rest(_Entry):
    """A venue through ccxt: its datasets and symbols. The venue of config/tickhouse.toml need not stand here."""

    venue: Name
    symbols: tuple[str, ...]
    feeds: tuple[Feed, ...] = (Feed(dataset=Dataset.BARS), Feed(dataset=Dataset.TRADES))
    history_start: date | None = None  # None: that of config/tickhouse.toml


class Files(_Entry):
    """Bulk files; the asset is `<venue>/<name>`."""

    name: Name
    venue: Name
    format: str                  # a name in `venues/files/registry.py`
    path: str                    # fsspec URL with {day} {month} {year} {symbol} {venue_symbol} {base} {quote}
    symbols: tuple[str, ...]
    history_start: date | None = None
    checksum: str = ""           # like `path`; "{path}.CHECKSUM" for Binance. "": none is published
    lag_s: int = 0               # how long after its day the publisher gives a file: before it, absence is no gap
    required: bool = True        # False: a day without a file is verified empty, not missing
    options: dict[str, Any] = {}  # the format's own: interval, column map, stamp unit
    storage: dict[str, Any] = {}  # fsspec's own; secrets come from the environment (see docs/history.md)


class Index(_Entry):
    """A dated series over HTTP or from a file, market-wide or of instruments; the asset is `series/<name>`."""

    name: Name
    url: str
    kind: str = "json"           # "json" or "csv"
    rows: str = ""               # JSON: dotted path to the list of rows
    time: str                    # column of the time the value is of
    time_unit: str = "iso"       # "iso", "s", "ms", "us", "ns", or a strptime pattern; always UTC
    columns: dict[str, str]      # series name -> column of its value
    symbol: str = ""             # column that names the instrument; "": market-wide
    published: str = ""          # column of the publication time, where there is one
    publication_lag_s: Annotated[int, Field(ge=0)]  # after `time` the value is known; explicit, 0 must be written out
    history_start: date | None = None


class Catalogue(_Entry):
    """Every source beside the trading venue's own."""

    rest: tuple[Rest, ...] = ()
    files: tuple[Files, ...] = ()
    index: tuple[Index, ...] = ()

    @model_validator(mode="after")
    def _names_once(self) -> Catalogue:
        names = [f"{entry.venue}/{entry.name}" for entry in self.files]
        names += [f"series/{entry.name}" for entry in self.index]
        names += [f"{entry.venue}/{feed.name}" for entry in self.rest for feed in entry.feeds]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return self


def load(file: Path) -> Catalogue:
    """The catalogue; an empty one where the file does not exist. SOURCES_INVALID names the first wrong key."""
    if not file.is_file():
        return Catalogue()
    try:
        return Catalogue.model_validate(read(file))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise TickhouseError(VenueCode.SOURCES_INVALID, file=file, key=key, problem=first["msg"]) from error

"""Bars that ought to be equal: those as given beside those made from finer data."""

from __future__ import annotations

import polars as pl

from quality.frames import with_day

PRICES = ("open", "high", "low", "close")
_ON = ("instrument", "ts_event")


def prices_differ(given: pl.DataFrame, made: pl.DataFrame, *, opens: bool = True) -> pl.DataFrame:
    """Bars of both whose prices differ; `opens` is false where a venue opens a bar at the close before.

    Then high and low may stem from the open alone, and only the close is compared.
    """
    columns = PRICES if opens else ("close",)
    both = _both(given, made).filter(pl.any_horizontal(pl.col(name) != pl.col(f"{name}_made") for name in columns))
    return both.select("instrument", "day", "ts_event", *(x for name in columns for x in (name, f"{name}_made")))


def volumes_differ(given: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Bars of both whose volume differs."""
    both = _both(given, made).filter(pl.col("volume") != pl.col("volume_made"))
    return both.select("instrument", "day", "ts_event", "volume", "volume_made")


def lacking(given: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Bars that finer data makes and that were not given."""
    return with_day(made.join(given, on=_ON, how="anti")).select("instrument", "day", "ts_event", "volume")


def surplus(given: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Bars given with a volume where finer data has nothing."""
    extra = given.filter(pl.col("volume") > 0).join(made, on=_ON, how="anti")
    return with_day(extra).select("instrument", "day", "ts_event", "volume")


def _both(given: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    return with_day(given.join(made, on=_ON, how="inner", suffix="_made", maintain_order="left"))

"""Bars of a span rebuilt from whole shorter bars or from whole trades, by the code that makes every bar."""

from __future__ import annotations

from collections import Counter

import polars as pl

from infra.errors import TickhouseError
from quality.cross.compare import PRICES
from quality.cross.intervals import aggregated
from quality.errors import QualityCode
from quality.frames import rebuilt

_KEY = ("instrument", "ts_event")


def from_bars(held: pl.DataFrame, finer: pl.DataFrame, interval_s: int, source: str, *, silent: bool = False
              ) -> pl.DataFrame:
    """Bars that `held` lacks, made of the shorter bars `finer` of the same span, without `ts_known` changed.

    REPAIR_IMPOSSIBLE where one of them would be made of a part only. `silent` tells that the shorter bars are whole
    although some are absent, because nothing was traded in them: then a bar is made of those there are, and none where
    there are none.
    """
    if finer.is_empty():
        return held.clear()
    made = aggregated(finer, interval_s, source)
    new = made.join(held, on=_KEY, how="anti", maintain_order="left")
    step = int(finer["interval_s"][0])
    if not silent:
        _refuse_parts(new, finer, interval_s, step)
    return new.select(held.columns)


def from_trades(held: pl.DataFrame, trades: pl.DataFrame, interval_s: int, source: str) -> pl.DataFrame:
    """Bars that `held` lacks, made of the span's trades, which must be whole; minutes without a trade have none."""
    made = rebuilt(trades, interval_s, source)
    return made.join(held, on=_KEY, how="anti", maintain_order="left").select(held.columns)


def differing(held: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Of the bars `made`, those that `held` has with other prices or another volume."""
    columns = (*PRICES, "volume")
    both = made.join(held.select(*_KEY, *(pl.col(name).alias(f"{name}_held") for name in columns)), on=_KEY,
                     how="inner", maintain_order="left")
    return both.filter(
        pl.any_horizontal(pl.col(name) != pl.col(f"{name}_held") for name in columns)
    ).select(held.columns)


def _refuse_parts(new: pl.DataFrame, finer: pl.DataFrame, interval_s: int, step: int) -> None:
    width, need = interval_s * 10**9, interval_s // step
    there = Counter(ts - ts % width for ts in finer["ts_event"].to_list())
    for ts in new["ts_event"].to_list():
        have = there[ts - ts % width]
        if have < need:
            raise TickhouseError(QualityCode.REPAIR_IMPOSSIBLE, bar=ts, have=have, need=need, interval_s=step)

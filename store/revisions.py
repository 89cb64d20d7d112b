"""Writing without overwriting: what we hold already is skipped, what changed becomes a revision.

A revision is a new row with the same key and a later `ts_known`: the moment we first saw it. Readings as of an
earlier moment therefore never change.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from store import writer
from store.reader import in_range, read_latest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

_CLOCKS = ("ts_known", "ts_stored", "source")  # say when and whence, not what
_FILTERS = {"series": "String", "instrument": "UInt32", "interval_s": "UInt32"}  # of a key, what narrows the search
_NOTHING: Mapping[str, int] = MappingProxyType({})


def write(
    client: Client, table: str, frame: pl.DataFrame, key: Sequence[str], seen_ns: int,
    not_told: Mapping[str, int] = _NOTHING,
) -> int:
    """Number of rows written: new keys as they come, changed ones with `ts_known` raised to `seen_ns`.

    `frame` holds int64 nanoseconds; rows equal in every value but the clocks and the source are skipped. `not_told`
    gives, by column, the value that means "the source does not say". A row is never known before it was published:
    the later of its own `ts_known` and `seen_ns` counts for a revision.
    """
    if frame.is_empty():
        return 0
    if "ts_known" not in frame.columns:  # what was received is known from then on
        frame = frame.with_columns(ts_known="ts_recv")
    fresh = frame.unique(key, keep="last", maintain_order=True)
    changed = split(fresh, _held(client, table, fresh, key), key, seen_ns, not_told)
    return writer.insert(client, table, changed)


def split(
    fresh: pl.DataFrame, held: pl.DataFrame, key: Sequence[str], seen_ns: int,
    not_told: Mapping[str, int] = _NOTHING,
) -> pl.DataFrame:
    """The rows of `fresh` that `held` lacks, and those that differ from it, the latter known from `seen_ns` on.

    Where `fresh` does not tell a value, the one held stays.
    """
    values = [name for name in fresh.columns if name not in key and name not in _CLOCKS]
    known = held.select(
        *key, *(pl.col(name).alias(f"_{name}") for name in values), pl.col("ts_known").alias("_ts_known")
    )
    joined = fresh.join(known.with_columns(_held=True), on=list(key), how="left", maintain_order="left").with_columns(
        pl.when(pl.col(name) == blank).then(pl.coalesce(f"_{name}", name)).otherwise(name).alias(name)
        for name, blank in not_told.items() if name in values
    )
    is_new = pl.col("_held").is_null()
    differs = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).ne_missing(pl.col(f"_{name}")) for name in values))
    # One nanosecond past what it revises, should the clock be behind: a revision must sort after its original.
    revised = pl.max_horizontal("ts_known", pl.lit(seen_ns, dtype=pl.Int64), pl.col("_ts_known") + 1)
    return (
        joined.filter(is_new | differs)
        .with_columns(ts_known=pl.when(is_new).then("ts_known").otherwise(revised))
        .select(fresh.columns)
    )


def _held(client: Client, table: str, fresh: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    values = [name for name in fresh.columns if name not in _CLOCKS]
    clock = next(name for name in key if name in {"ts_event", "ts_recv"})
    wanted = {name: kind for name, kind in _FILTERS.items() if name in key}
    times = fresh[clock]
    conditions = [f"{name} IN {{{name}:Array({kind})}}" for name, kind in wanted.items()]
    held = read_latest(
        client,
        table,
        columns=[*values, "ts_known"],
        key=key,
        where=" AND ".join([*conditions, in_range(clock)]),
        parameters={
            **{name: fresh[name].unique().to_list() for name in wanted},
            "start_ns": times.min(),
            "end_ns": int(times.max()) + 1,  # type: ignore[arg-type]  # an int64 column's maximum
        },
    )
    # Same types on both sides, or the join would refuse and the comparison promote to float.
    return held.cast({name: dtype for name, dtype in fresh.schema.items() if name in held.columns})

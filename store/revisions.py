"""Writing without overwriting: what we hold already is skipped, what changed becomes a revision.

A revision is a new row with the same key and a later `ts_known`: the moment we first saw it. A row that comes late, to
a day that readers were told is whole, is known from that moment too. Readings as of an earlier moment never change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from store import writer
from store.content import is_ordered
from store.reader import in_range, query, read_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clickhouse_connect.driver.client import Client

_CLOCKS = ("ts_known", "ts_stored", "source")  # say when and whence, not what
_FILTERS = {"series": "String", "instrument": "UInt32", "interval_s": "UInt32"}  # of a key, what narrows the search


@dataclass(frozen=True, slots=True)
class Table:
    """Where rows go, and by what they are told apart."""

    name: str
    key: tuple[str, ...]
    clock: str                                                # the time column of the key
    not_told: Mapping[str, int] = field(default_factory=dict)  # by column, the value that means "not said"


def write(
    client: Client, table: Table, frame: pl.DataFrame, seen_ns: int,
    late: Callable[[pl.DataFrame], pl.Series] | None = None,
) -> int:
    """Number of rows written: new keys as they come, changed ones with `ts_known` raised to `seen_ns`.

    `frame` holds int64 nanoseconds; rows equal in every value but the clocks and the source are skipped. `late` says
    of new rows which ones come to a day that is published: they are known from `seen_ns` on too. A row is never known
    before it was published: the later of its own `ts_known` and `seen_ns` counts.
    """
    if frame.is_empty():
        return 0
    # Of a key that comes twice the last row counts. A frame in key order has none: looking is cheaper than sifting.
    fresh = frame if is_ordered(frame, table.key) else frame.unique(table.key, keep="last", maintain_order=True)
    where, parameters = _span(table, fresh)
    held = query(client, f"SELECT count() AS rows FROM {table.name} WHERE {where}", parameters)  # noqa: S608 - ours
    if held.item():
        old = read_latest(
            client, table.name, columns=[name for name in fresh.columns if name not in {"ts_stored", "source"}],
            key=table.key, where=where, parameters=parameters, first_wins=True,
        )
        new, revised = split(fresh, old, table, seen_ns)
    else:
        new, revised = fresh, fresh.clear()
    if late is not None and not new.is_empty():
        known = pl.when(late(new)).then(pl.max_horizontal("ts_known", pl.lit(seen_ns, dtype=pl.Int64)))
        new = new.with_columns(ts_known=known.otherwise("ts_known"))
    return writer.insert(client, table.name, pl.concat([new, revised]) if revised.height else new)


def split(fresh: pl.DataFrame, held: pl.DataFrame, table: Table, seen_ns: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `fresh` that `held` lacks, and those that differ from it, the latter known from `seen_ns` on.

    Where `fresh` does not tell a value, the one held stays.
    """
    key = list(table.key)
    values = [name for name in fresh.columns if name not in key and name not in _CLOCKS]
    # Same types on both sides, or the join would refuse and the comparison promote to float.
    typed = held.cast({name: dtype for name, dtype in fresh.schema.items() if name in held.columns})
    old = typed.select(*key, pl.col(*values, "ts_known").name.prefix("_"), _held=True)
    joined = fresh.join(old, on=key, how="left", maintain_order="left").with_columns(
        pl.when(pl.col(name) == blank).then(pl.coalesce(f"_{name}", name)).otherwise(name).alias(name)
        for name, blank in table.not_told.items() if name in values
    )
    is_new = pl.col("_held").is_null()
    differs = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).ne_missing(pl.col(f"_{name}")) for name in values))
    # One nanosecond past what it revises, should the clock be behind: a revision must sort after its original.
    revised = pl.max_horizontal("ts_known", pl.lit(seen_ns, dtype=pl.Int64), pl.col("_ts_known") + 1)
    return (
        joined.filter(is_new).select(fresh.columns),
        joined.filter(~is_new & differs).with_columns(ts_known=revised).select(fresh.columns),
    )


def _span(table: Table, fresh: pl.DataFrame) -> tuple[str, dict[str, Any]]:
    """Where the rows of these keys lie, as SQL with its parameters."""
    wanted = {name: kind for name, kind in _FILTERS.items() if name in table.key}
    conditions = [f"{name} IN {{{name}:Array({kind})}}" for name, kind in wanted.items()]
    times = fresh[table.clock]
    bounds = {"start_ns": times.min(), "end_ns": int(times.max()) + 1}  # type: ignore[arg-type]  # of an int64 column
    return " AND ".join([*conditions, in_range(table.clock)]), {
        **{name: fresh[name].unique().to_list() for name in wanted}, **bounds,
    }

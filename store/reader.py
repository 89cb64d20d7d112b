"""Queries into frames, by Arrow: times come back as int64 UTC nanoseconds, enums as their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from store.faults import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client


# Packing costs more than it saves between processes of a machine; repeated words travel once.
_SETTINGS = {"output_format_arrow_compression_method": "none", "output_format_arrow_low_cardinality_as_dictionary": 1}
_MOMENT = "fromUnixTimestamp64Nano({{{}:Int64}}, 'UTC')"


def query(client: Client, sql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """The answer as a frame, empty but typed where no row matches; CLICKHOUSE_LOST, STORE_MEMORY."""
    with told(client, "query"):
        answer = client.query_arrow(sql, parameters=dict(parameters or {}), use_strings=True, settings=_SETTINGS)
    frame = pl.from_arrow(answer)
    if not isinstance(frame, pl.DataFrame):  # from_arrow's other answer is for arrays
        raise TypeError(type(frame))
    times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    words = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Categorical | pl.Enum)]
    return frame.with_columns(
        pl.col(times).dt.cast_time_unit("ns").cast(pl.Int64), pl.col(words).cast(pl.String)
    ) if times or words else frame


def read_latest(
    client: Client,
    table: str,
    *,
    columns: Sequence[str],
    key: Sequence[str],
    where: str,
    parameters: Mapping[str, Any],
    as_of_ns: int | None = None,
    stored_by_ns: int | None = None,
    first_wins: bool = False,
) -> pl.DataFrame:
    """Of each key the latest revision that was known at `as_of_ns` and stored by `stored_by_ns` (None: now).

    Of two with one `ts_known` the one stored last counts, or with `first_wins` the first: as the table's engine merges.

    Sorted by key, which must be the table's sort key up to `ts_known`, so that ClickHouse reads in order instead of
    sorting.
    """
    sql, moments = until(as_of_ns, stored_by_ns)
    keys, order = ", ".join(key), "" if first_wins else " DESC"
    return query(
        client,
        f"SELECT {', '.join(columns)} FROM {table} WHERE {where}{sql}"  # noqa: S608 - names of ours, values are bound
        f" ORDER BY {keys}, ts_known DESC, ts_stored{order} LIMIT 1 BY {keys}",
        {**parameters, **moments},
    )


def until(as_of_ns: int | None, stored_by_ns: int | None) -> tuple[str, dict[str, int]]:
    """SQL, to go after other conditions, for what was known and stored by then (None: no limit), and its parameters."""
    moments = {"ts_known": ("as_of_ns", as_of_ns), "ts_stored": ("stored_by_ns", stored_by_ns)}
    given = [(column, name, value) for column, (name, value) in moments.items() if value is not None]
    sql = "".join(f" AND {column} <= {_MOMENT.format(name)}" for column, name, _ in given)
    return sql, {name: value for _, name, value in given}


def in_range(column: str = "ts_event") -> str:
    """SQL for `start_ns <= column < end_ns`, both bound as Int64 parameters."""
    return (
        f"{column} >= fromUnixTimestamp64Nano({{start_ns:Int64}}, 'UTC')"
        f" AND {column} < fromUnixTimestamp64Nano({{end_ns:Int64}}, 'UTC')"
    )

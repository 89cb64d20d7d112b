"""Frames into tables, by Arrow. Readers' counterpart is `store/reader.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from store.errors import StoreCode
from store.faults import told

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

MAX_BATCH = 500_000  # rows; the embedded engine's memory grows with the batch
_SETTINGS = {"max_partitions_per_insert_block": 0}  # decades of daily bars in one frame are no mistake
_TIME = re.compile(r"DateTime64\(9")
_NANOSECONDS = pl.Datetime("ns", "UTC")


def insert(client: Client, table: str, frame: pl.DataFrame) -> int:
    """Number of rows written. Columns go by name; those the frame lacks take the table's default.

    Times are int64 UTC nanoseconds or aware datetimes. An empty frame writes nothing.
    COLUMN_UNKNOWN, TABLE_UNKNOWN, TIME_NAIVE before any row is sent; CLICKHOUSE_LOST, STORE_FULL when the server cannot
    go on: whole batches before that are in the table.
    """
    if frame.is_empty():
        return 0
    with told(client, table):
        typed = conform(frame, table, column_types(client, table))
        for batch in typed.iter_slices(MAX_BATCH):
            client.insert_arrow(table, batch.to_arrow(compat_level=pl.CompatLevel.oldest()), settings=_SETTINGS)
    return typed.height


def column_types(client: Client, table: str) -> dict[str, str]:
    """ClickHouse's type of each column; TABLE_UNKNOWN where there is no such table."""
    rows = client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        parameters={"table": table},
    ).result_rows
    if not rows:
        raise TickhouseError(StoreCode.TABLE_UNKNOWN, table=table, database=client.database)
    return {str(name): str(kind) for name, kind in rows}


def conform(frame: pl.DataFrame, table: str, types: dict[str, str]) -> pl.DataFrame:
    """The frame with the column types that ClickHouse reads without changing a value.

    Left alone, an Int64 column would be read as *seconds* of a DateTime64 and silently saturate.
    """
    casts = []
    for name, dtype in frame.schema.items():
        if name not in types:
            raise TickhouseError(StoreCode.COLUMN_UNKNOWN, table=table, column=name)
        if _TIME.match(types[name]):
            if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
                raise TickhouseError(StoreCode.TIME_NAIVE, table=table, column=name)
            casts.append(pl.col(name).cast(_NANOSECONDS))
        elif types[name].startswith("Enum8") and dtype.is_integer():
            casts.append(pl.col(name).cast(pl.Int8))
    return frame.with_columns(casts)

"""Reading a venue's dataset: the latest revisions that were known, and only of days that the ingest log vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.dataset import Dataset
from store.ingest_log import require
from store.reader import in_range, read_latest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl
    from clickhouse_connect.driver.client import Client


def read(
    client: Client,
    dataset: Dataset,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    columns: Sequence[str],
    key: Sequence[str],
    allow: Collection[str] = (),
    **equal: int,
) -> pl.DataFrame:
    """Rows of [start_ns, end_ns) as known at `as_of_ns` (None: now), sorted by `key`, which is that of the table.

    `equal` names further UInt32 columns and their values. DATA_NOT_COMPLETE for a day that the ingest log does not call
    complete, unless its state is in `allow`.
    """
    require(client, dataset, instruments, start_ns, end_ns, allow)
    conditions = [f"{name} = {{{name}:UInt32}}" for name in equal]
    return read_latest(
        client,
        str(dataset),
        columns=columns,
        key=key,
        where=" AND ".join(["instrument IN {instruments:Array(UInt32)}", *conditions, in_range()]),
        parameters={"instruments": list(instruments), "start_ns": start_ns, "end_ns": end_ns, **equal},
        as_of_ns=as_of_ns,
    )

"""Snapshots of the order book: levels from the best on, int64 prices and quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.dataset import Dataset
from store import datasets

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl
    from clickhouse_connect.driver.client import Client

KEY = datasets.KEYS[Dataset.BOOK_SNAPSHOTS]


def read(
    client: Client,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    stored_by_ns: int | None = None,
    allow: Collection[str] = (),
) -> pl.DataFrame:
    """Snapshots received in [start_ns, end_ns) as known at `as_of_ns`, sorted; see `datasets.read`."""
    return datasets.read(
        client, Dataset.BOOK_SNAPSHOTS, instruments, start_ns, end_ns, as_of_ns, stored_by_ns=stored_by_ns,
        allow=allow,
    )


def write(client: Client, frame: pl.DataFrame, seen_ns: int) -> int:
    """Number of new or revised snapshots written; those we hold already are not written again."""
    return datasets.write(client, Dataset.BOOK_SNAPSHOTS, frame, seen_ns)

"""Bars, point in time: int64 prices and volumes in the instrument's scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.dataset import SCHEMAS, Dataset
from store import adjustments, datasets

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl
    from clickhouse_connect.driver.client import Client

KEY = datasets.KEYS[Dataset.BARS]
COLUMNS = tuple(SCHEMAS[Dataset.BARS])


def read(
    client: Client,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    interval_s: int = 60,
    as_of_ns: int | None = None,
    *,
    stored_by_ns: int | None = None,
    allow: Collection[str] = (),
    adjusted: bool = False,
) -> pl.DataFrame:
    """Bars opening in [start_ns, end_ns) as known at `as_of_ns`, sorted by instrument and time; see `datasets.read`.

    `adjusted` tells them in the unit of `as_of_ns` across redenominations, with the columns that
    `market.adjustment.apply` adds.
    """
    rows = datasets.read(
        client, Dataset.BARS, instruments, start_ns, end_ns, as_of_ns, stored_by_ns=stored_by_ns, allow=allow,
        interval_s=interval_s,
    )
    return adjustments.apply(client, rows, as_of_ns) if adjusted else rows


def write(client: Client, frame: pl.DataFrame, seen_ns: int) -> int:
    """Number of new or revised bars written; bars we hold already, equal in every value, are not written again."""
    return datasets.write(client, Dataset.BARS, frame, seen_ns)

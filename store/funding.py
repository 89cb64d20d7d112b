"""Funding rates, point in time; rates are int64 in 10^-12."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.dataset import Dataset
from store import complete, revisions

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl
    from clickhouse_connect.driver.client import Client

KEY = ("instrument", "ts_event")
COLUMNS = (*KEY, "ts_known", "rate", "mark_price", "source")


def read(
    client: Client,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    allow: Collection[str] = (),
) -> pl.DataFrame:
    """Funding events of [start_ns, end_ns) as known at `as_of_ns`, sorted by instrument and time.

    DATA_NOT_COMPLETE for a day that the ingest log does not call complete, unless its state is in `allow`.
    """
    return complete.read(
        client, Dataset.FUNDING_RATES, instruments, start_ns, end_ns, as_of_ns, columns=COLUMNS, key=KEY, allow=allow
    )


def write(client: Client, frame: pl.DataFrame, seen_ns: int) -> int:
    """Number of new or revised rates written; those we hold already, equal in every value, are not written again."""
    return revisions.write(client, "funding_rates", frame, KEY, seen_ns)

"""Writing and reading the datasets of history, point in time: one way in and one way out for all of them.

A row is found by its key; a changed one is a revision with a later `ts_known`. A reading as of a moment gives, of each
key, the latest revision known by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from market.dataset import SCHEMAS, Dataset, clock, conform, label
from store import ingest_log, revisions
from store import scan as scanning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from clickhouse_connect.driver.client import Client

# What makes a row the same row, in the order of the table's sort key.
KEYS: dict[Dataset, tuple[str, ...]] = {
    Dataset.BARS: ("instrument", "interval_s", "ts_event"),
    Dataset.TRADES: ("instrument", "ts_event", "trade_id"),
    Dataset.QUOTES: ("instrument", "ts_recv", "seq"),
    Dataset.BOOK_SNAPSHOTS: ("instrument", "ts_recv", "seq"),
    Dataset.BOOK_DELTAS: ("instrument", "ts_recv", "last_seq", "side", "price"),
    Dataset.FUNDING_RATES: ("instrument", "ts_event"),
    Dataset.OPEN_INTEREST: ("instrument", "ts_event"),
    Dataset.SERIES: ("series", "instrument", "ts_event"),
}

# Values by which a source says that it does not tell: they never revise what another source told.
NOT_TOLD: dict[Dataset, dict[str, int]] = {Dataset.BARS: {"count": -1}, Dataset.FUNDING_RATES: {"mark_price": 0}}


def write(client: Client, dataset: Dataset, frame: pl.DataFrame, seen_ns: int) -> int:
    """Number of rows written: new ones and, known from `seen_ns` on, those that changed.

    Rows that we hold already, equal in every value but the clocks and the source, are not written again. A new row of a
    day that the ingest log has called whole comes late: it too is known from `seen_ns` on. A value that the source does
    not tell (`NOT_TOLD`) leaves the one we hold as it is.
    """
    rows = frame.drop("line", "symbol", strict=False)  # where a row stood and whom it named: for the checks only
    if "ts_known" not in rows.columns:  # what was received is known from then on
        rows = rows.with_columns(ts_known=clock(dataset))
    table = revisions.Table(str(dataset), KEYS[dataset], clock(dataset), NOT_TOLD.get(dataset, {}))
    return revisions.write(client, table, rows, seen_ns, lambda new: _late(client, dataset, new))


def _late(client: Client, dataset: Dataset, rows: pl.DataFrame) -> pl.Series:
    """Which rows belong to a day that was published without them."""
    day = (pl.col(clock(dataset)) // ingest_log.DAY_NS).cast(pl.Int32).cast(pl.Date)
    own = [name for name in ("interval_s", "series") if name in KEYS[dataset]]
    keyed = rows.lazy().select(*own, "instrument", day=day)
    days = keyed.unique().collect()
    names = [label(dataset, row.get("interval_s", 60), row.get("series", "")) for row in days.iter_rows(named=True)]
    days = days.with_columns(dataset=pl.Series(names, dtype=pl.String))
    known = ingest_log.published(
        client, days["dataset"].unique().to_list(), days["instrument"].unique().to_list(),
        days["day"].min(), days["day"].max(),  # type: ignore[arg-type]  # of a column of dates
    )
    whole = days.join(known, on=["dataset", "instrument", "day"], how="semi").select(*own, "instrument", "day")
    if whole.is_empty():
        return pl.repeat(value=False, n=rows.height, dtype=pl.Boolean, eager=True)
    on = [*own, "instrument", "day"]
    joined = keyed.join(whole.lazy().with_columns(_late=True), on=on, how="left", maintain_order="left")
    return joined.select(pl.col("_late").fill_null(value=False)).collect().to_series()


def read(
    client: Client,
    dataset: Dataset,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    stored_by_ns: int | None = None,
    allow: Collection[str] = (),
    interval_s: int = 60,
    series: str = "",
) -> pl.DataFrame:
    """Rows in [start_ns, end_ns) of the dataset's clock as known at `as_of_ns` (None: now), sorted by key.

    Columns are those of `market.dataset.SCHEMAS`. With `stored_by_ns` only what we held then, judged by the ingest log
    of then: for audits. `interval_s` is of bars, `series` of series. DATA_NOT_COMPLETE for a day that the ingest log
    does not call complete, unless its state is in `allow`.
    """
    ingest_log.require(
        client, label(dataset, interval_s, series), instruments, start_ns, end_ns, allow, stored_by_ns=stored_by_ns
    )
    wish = _wish(dataset, instruments, start_ns, end_ns, as_of_ns, stored_by_ns, interval_s, series)
    return conform(scanning.read(client, wish), dataset)


def scan(
    client: Client,
    dataset: Dataset,
    instruments: Collection[int],
    start_ns: int,
    end_ns: int,
    as_of_ns: int | None = None,
    *,
    stored_by_ns: int | None = None,
    allow: Collection[str] = (),
    interval_s: int = 60,
    series: str = "",
) -> Iterator[pl.DataFrame]:
    """What `read` gives, in frames of about a million rows in key order: memory does not grow with the range."""
    ingest_log.require(
        client, label(dataset, interval_s, series), instruments, start_ns, end_ns, allow, stored_by_ns=stored_by_ns
    )
    wish = _wish(dataset, instruments, start_ns, end_ns, as_of_ns, stored_by_ns, interval_s, series)
    return (conform(frame, dataset) for frame in scanning.scan(client, wish))


def _wish(
    dataset: Dataset, instruments: Collection[int], start_ns: int, end_ns: int, as_of_ns: int | None,
    stored_by_ns: int | None, interval_s: int, series: str,
) -> scanning.Wish:
    where: dict[Dataset, tuple[str, dict[str, object]]] = {
        Dataset.BARS: (" AND interval_s = {interval_s:UInt32}", {"interval_s": interval_s}),
        Dataset.SERIES: (" AND series = {series:String}", {"series": series}),
    }
    own, parameters = where.get(dataset, ("", {}))
    return scanning.Wish(
        table=str(dataset), columns=tuple(SCHEMAS[dataset]), key=KEYS[dataset], clock=clock(dataset),
        instruments=tuple(sorted(instruments)), start_ns=start_ns, end_ns=end_ns, where=own, parameters=parameters,
        as_of_ns=as_of_ns, stored_by_ns=stored_by_ns,
    )

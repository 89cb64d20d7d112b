"""Days whose rows are about to leave a table: which they are, and what the ingest log says of them from then on.

A day without its rows must not be called whole: two days before its first row may go it is logged as missing, "aged
out"; a restore takes that back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset, label
from store import archive, ingest_log, retention
from store.ingest_log import IngestEntry, IngestState
from store.reader import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from store.archive_files import ArchiveFiles

AGED_OUT, RESTORED = "aged_out", "restored"
_NOTICE_DAYS = 2  # more than a night that the job misses, less than the archive's lead
_ENTRY = (
    "dataset, venue, instrument, day, toInt8(state) AS state, rows, content_hash, source, run_id, detail, fingerprint"
)


def due(client: Client, target: ArchiveFiles, table: str, limit_days: int, lead_days: int) -> list[date]:
    """Days of the table with a row that goes within `lead_days`, and which the archive does not have as they are."""
    if not limit_days:
        return []
    clock = archive.shape(client, table).clock
    frame = query(
        client,
        f"SELECT toDate({clock}) AS day, toString(max(toDateTime64(ts_stored, 6, 'UTC'))) AS stored FROM {table}"  # noqa: S608 - names of ours
        f" GROUP BY day HAVING min({retention.CLOCK}) < now() - INTERVAL {{age:Int32}} DAY ORDER BY day",
        {"age": max(limit_days - lead_days, 0)},
    )
    found = []
    for day, stored in frame.select(pl.col("day").cast(pl.Date), "stored").rows():
        if not _is_archived(target, table, day, stored):
            found.append(day)
    return found


def _is_archived(target: ArchiveFiles, table: str, day: date, stored: str) -> bool:
    try:
        manifest = target.manifest(table, day)
    except TickhouseError:  # a broken manifest: `archive.store` will say so
        return False
    return manifest is not None and manifest.archived_at > stored


def retire(client: Client, table: str, limit_days: int) -> int:
    """Number of days of instruments that it logged as aged out: their rows go within two days, or are gone."""
    if not limit_days or table not in set(Dataset):
        return 0
    dataset = Dataset(table)
    going = _going(client, dataset, limit_days)
    names = sorted({*going["dataset"].to_list(), *_labels(client, dataset)})
    latest = query(
        client,
        f"SELECT {_ENTRY}, toUnixTimestamp64Milli(ts_stored) AS at FROM ingest_log"  # noqa: S608 - names of ours
        " WHERE dataset IN {names:Array(String)}"
        " ORDER BY dataset, venue, instrument, day, ts_stored DESC LIMIT 1 BY dataset, venue, instrument, day",
        {"names": names},
    ).with_columns(pl.col("day").cast(pl.Date))
    here = latest.filter(pl.col("state") != IngestState.MISSING)
    leaving = here.join(going, on=["dataset", "instrument", "day"], how="semi")
    gone = _gone(client, dataset, here, limit_days)
    rows = pl.concat([leaving, gone]).unique(["dataset", "venue", "instrument", "day"]).drop("at")
    entries = [_entry(row) for row in rows.iter_rows(named=True)]
    return ingest_log.record(
        client,
        [
            replace(e, state=IngestState.MISSING, rows=0, content_hash="", fingerprint="", detail=AGED_OUT)
            for e in entries
        ],
    )


def bring_back(client: Client, target: ArchiveFiles, table: str, day: date, lead_days: int) -> int:
    """Number of rows restored from the archive; the log says of the day again what it said before it aged out."""
    back = archive.restore(client, target, table, day, lead_days)
    _revive(client, table, day)
    return back


def _revive(client: Client, table: str, day: date) -> int:
    if table not in set(Dataset):
        return 0
    frame = query(
        client,
        f"SELECT {_ENTRY} FROM ingest_log"  # noqa: S608 - names of ours
        " WHERE dataset IN {names:Array(String)} AND day = {day:Date}"
        " ORDER BY dataset, venue, instrument, ts_stored DESC LIMIT 2 BY dataset, venue, instrument",
        {"names": _labels(client, Dataset(table)), "day": day},
    ).with_columns(pl.col("day").cast(pl.Date))
    back = []
    for _, pair in frame.group_by(["dataset", "venue", "instrument"], maintain_order=True):
        if pair.height == 2 and pair["detail"][0] == AGED_OUT:
            back.append(replace(_entry(pair.row(1, named=True)), detail=RESTORED))
    return ingest_log.record(client, back)


def _going(client: Client, dataset: Dataset, limit_days: int) -> pl.DataFrame:
    """`dataset` (label), `instrument`, `day` with a row that goes within the time of notice."""
    clock, own = archive.shape(client, dataset).clock, _own(dataset)
    frame = query(
        client,
        f"SELECT {', '.join([*own, 'instrument'])}, toDate({clock}) AS day FROM {dataset}"  # noqa: S608 - names of ours
        f" WHERE {retention.CLOCK} < now() - INTERVAL {{age:Int32}} DAY"
        f" GROUP BY {', '.join([*own, 'instrument', 'day'])}",
        {"age": max(limit_days - _NOTICE_DAYS, 0)},
    ).with_columns(pl.col("day").cast(pl.Date))
    return _labelled(frame, dataset)


def _gone(client: Client, dataset: Dataset, here: pl.DataFrame, limit_days: int) -> pl.DataFrame:
    """Entries older than the limit that tell of rows which the table does not have: nobody retired them in time."""
    now_ms = int(query(client, "SELECT toUnixTimestamp64Milli(now64(3)) AS now").item())
    old = here.filter(pl.col("at") < now_ms - limit_days * 86_400_000, pl.col("rows") > 0)
    if old.is_empty():
        return old
    clock, own = archive.shape(client, dataset).clock, _own(dataset)
    held = query(
        client,
        f"SELECT DISTINCT {', '.join([*own, 'instrument'])}, toDate({clock}) AS day FROM {dataset}"  # noqa: S608 - ours
        f" WHERE toDate({clock}) BETWEEN {{first:Date}} AND {{last:Date}}",
        {"first": old["day"].min(), "last": old["day"].max()},
    ).with_columns(pl.col("day").cast(pl.Date))
    return old.join(_labelled(held, dataset), on=["dataset", "instrument", "day"], how="anti")


def _own(dataset: Dataset) -> list[str]:
    return {Dataset.BARS: ["interval_s"], Dataset.SERIES: ["series"]}.get(dataset, [])


def _labelled(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    names = [label(dataset, row.get("interval_s", 60), row.get("series", "")) for row in frame.iter_rows(named=True)]
    return frame.select("instrument", "day", dataset=pl.Series(names, dtype=pl.String))


def _labels(client: Client, dataset: Dataset) -> list[str]:
    """Every name under which the ingest log knows parts of the dataset."""
    found = query(client, "SELECT DISTINCT dataset FROM ingest_log")["dataset"].to_list()
    prefix = {Dataset.BARS: "bars_", Dataset.SERIES: "series/"}.get(dataset)
    return [name for name in found if name == dataset or (prefix and name.startswith(prefix))]


def _entry(row: dict[str, object]) -> IngestEntry:
    return IngestEntry(**row | {"state": IngestState(row["state"])})  # type: ignore[arg-type]  # columns of the log

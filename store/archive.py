"""A table's day to Parquet before its rows age out, and back by one call."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from infra.home import Home
from store import writer
from store.archive_files import ArchiveFiles, Manifest, content_of, sha256_of
from store.errors import StoreCode
from store.reader import query
from store.retention import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

    from infra.settings import Settings

_DATETIME = pl.Datetime("ns", "UTC")
_NOW = "SELECT toString(now64(6, 'UTC'))"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the archive must know of a table."""

    table: str
    columns: tuple[str, ...]      # that are stored, without what retention counts from
    times: tuple[str, ...]        # those of them that are DateTime64(9)
    identity: tuple[str, ...]     # what makes a stored row that row: the sort key, and when it was stored
    clock: str                    # says to which day a row belongs


def files(settings: Settings) -> ArchiveFiles:
    """The archive of the settings."""
    return ArchiveFiles(settings.archive.url or str(Home(settings.home).archive))


def shape(client: Client, table: str) -> Shape:
    """The table's shape; ARCHIVE_UNSUITED where there is no such table, or none with rows of instruments and days."""
    columns = client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
        " AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position",
        parameters={"table": table},
    ).result_rows
    names = [name for name, _ in columns]
    if not {"instrument", "ts_event", "ts_stored", CLOCK} <= set(names):
        problem = "it keeps no rows by instrument and day" if names else "there is none of this name"
        raise TickhouseError(StoreCode.ARCHIVE_UNSUITED, table=table, database=client.database, problem=problem)
    key = client.command(
        "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
        parameters={"table": table},
    )
    return Shape(
        table=table,
        columns=tuple(name for name in names if name != CLOCK),
        times=tuple(name for name, kind in columns if kind.startswith("DateTime64(9")),
        identity=(*(part.strip() for part in str(key).split(",")), "ts_stored"),
        clock="ts_recv" if "ts_recv" in names else "ts_event",
    )


def store(client: Client, target: ArchiveFiles, table: str, day: date) -> Manifest | None:
    """The archived day, with what the archive had of it before; None where neither has a row.

    Every revision is in it. What is archived already is left as it is. An instrument is held in memory at a time.
    ARCHIVE_BROKEN when the file of before, or the new one once it is there, cannot be read back.
    """
    form, started = shape(client, table), str(client.command(_NOW))
    old = target.manifest(table, day)
    if old is not None:
        target.verify(old)
    with tempfile.TemporaryDirectory(prefix="tickhouse-archive-") as folder:
        draft = Path(folder) / "day.parquet"
        _write(draft, _merged(client, form, target, old, day))
        if not draft.exists():
            return None
        with draft.open("rb") as file:
            sha256 = sha256_of(file)
        rows, content = content_of(_read(draft))
        if old is not None and (rows, content) == content_of(target.read(old)):
            return old
        manifest = Manifest(
            table, day, rows, sha256, content, draft.stat().st_size, started,
            target.sha256(old) if old is not None else "",
        )
        target.put(draft, manifest)
    target.verify(manifest)
    return manifest


def restore(client: Client, target: ArchiveFiles, table: str, day: date, lead_days: int = 7) -> int:
    """Number of rows brought back into the table, with the revisions and clocks they had; 0 when it has them all.

    Retention counts anew for them. ARCHIVE_MISSING, ARCHIVE_BROKEN before a row is written.
    """
    manifest = target.verified(table, day)
    form, back = shape(client, table), 0
    for frame in target.read(manifest):
        held = _held(client, form, day, int(frame["instrument"][0]), lead_days)
        missing = frame.join(held, on=list(form.identity), how="anti")
        back += writer.insert(
            client, table, missing.with_columns(pl.lit(datetime.now(UTC)).dt.truncate("1s").alias(CLOCK))
        )
    return back


def _merged(
    client: Client, form: Shape, target: ArchiveFiles, old: Manifest | None, day: date
) -> Iterator[pl.DataFrame]:
    """The day by instrument: what the table holds, and what only the archive has."""
    groups = target.groups(old) if old is not None else {}
    for instrument in sorted({*groups, *_instruments(client, form, day)}):
        parts = [_rows(client, form, day, instrument)]
        if old is not None and instrument in groups:
            parts.insert(0, next(target.read(old, groups=[groups[instrument]])).select(form.columns))
        frame = pl.concat(parts).unique(form.identity, keep="first").sort(form.identity)
        if frame.height:
            yield frame


def _write(draft: Path, frames: Iterator[pl.DataFrame]) -> None:
    import pyarrow.parquet as pq

    sink: pq.ParquetWriter | None = None
    try:
        for frame in frames:
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            sink = sink or pq.ParquetWriter(draft, table.schema, compression="zstd")
            sink.write_table(table, row_group_size=table.num_rows)
    finally:
        if sink is not None:
            sink.close()


def _read(draft: Path) -> Iterator[pl.DataFrame]:
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(draft)
    for group in range(parquet.num_row_groups):
        frame = pl.from_arrow(parquet.read_row_group(group))
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - of a table, for the type checker
        yield frame


def _instruments(client: Client, form: Shape, day: date) -> list[int]:
    sql = f"SELECT DISTINCT instrument FROM {form.table} WHERE {_of(form)} ORDER BY instrument"  # noqa: S608 - ours
    return query(client, sql, {"day": day})["instrument"].to_list()


def _rows(client: Client, form: Shape, day: date, instrument: int) -> pl.DataFrame:
    sql = (
        f"SELECT {', '.join(form.columns)} FROM {form.table}"  # noqa: S608 - names of ours
        f" WHERE {_of(form)} AND instrument = {{instrument:UInt32}}"
    )
    return query(client, sql, {"day": day, "instrument": instrument}).with_columns(pl.col(form.times).cast(_DATETIME))


def _held(client: Client, form: Shape, day: date, instrument: int, lead_days: int) -> pl.DataFrame:
    """Identities of the rows that the table holds and will not lose soon."""
    from store.retention import days

    limit = days(client).get(form.table, 0)
    stays = f" AND {CLOCK} > now() - INTERVAL {max(limit - lead_days, 1)} DAY" if limit else ""
    sql = (
        f"SELECT {', '.join(form.identity)} FROM {form.table}"  # noqa: S608 - names of ours
        f" WHERE {_of(form)} AND instrument = {{instrument:UInt32}}{stays}"
    )
    times = [name for name in form.identity if name in form.times]
    return query(client, sql, {"day": day, "instrument": instrument}).with_columns(pl.col(times).cast(_DATETIME))


def _of(form: Shape) -> str:
    first, next_day = "toDateTime64({day:Date}, 9, 'UTC')", "toDateTime64({day:Date} + 1, 9, 'UTC')"
    return f"{form.clock} >= {first} AND {form.clock} < {next_day}"

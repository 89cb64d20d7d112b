"""The nightly archive as an asset: days about to age out go to Parquet, then their limit may take them."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.resources import ClickHouse
from infra import settings as configuration
from infra.errors import TickhouseError
from store import ageing, archive, retention

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from infra.settings import Settings
    from store.archive_files import ArchiveFiles, Manifest

GROUP = "archive"
ASSET = "archived_days"


@dataclass(slots=True)
class Night:
    """What one run did."""

    stored: list["Manifest"] = field(default_factory=list)
    retired: int = 0                                   # days of instruments that the ingest log calls aged out now
    shortened: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)    # one line a day that could not be archived


def build() -> list[dg.AssetsDefinition]:
    """The asset, which needs no partition: which days are due follows from the tables."""

    @dg.asset(name=ASSET, group_name=GROUP, description="Days of tables as Parquet, made before their rows age out")
    def archived_days(context: dg.AssetExecutionContext, clickhouse: ClickHouse) -> dg.MaterializeResult[Any]:
        settings = configuration.load()
        with clickhouse.client() as client:
            night = run(client, settings, context.log.info)
        if night.failed:
            raise dg.Failure(
                f"{len(night.failed)} day(s) could not be archived", metadata={"failed": "\n".join(night.failed)}
            )
        return dg.MaterializeResult(
            metadata={
                "days": len(night.stored),
                "rows": sum(manifest.rows for manifest in night.stored),
                "bytes": sum(manifest.size for manifest in night.stored),
                "days aged out": night.retired,
                "limits shortened": ", ".join(night.shortened) or "none",
                "archived": "\n".join(manifest.name for manifest in night.stored) or "nothing was due",
            }
        )

    return [archived_days]


def run(client: "Client", settings: "Settings", say: Any = lambda _: None) -> Night:
    """Archives what is due by the settings, shortens limits that waited for it, and logs the days that now go.

    A day that fails is told and the others go on; limits are not shortened in such a night.
    """
    night, limits = Night(), settings.retention.model_dump()
    if settings.archive.enabled:
        target = archive.files(settings)
        for table, days in limits.items():
            _store(client, target, table, days, settings.archive.lead_days, night, say)
    in_force = retention.days(client)
    for table, days in limits.items():  # the log first: rows may go at once
        night.retired += ageing.retire(client, table, in_force[table] if night.failed else days)
    if not night.failed:
        night.shortened = retention.apply(client, settings.retention, shorten=True)
    say(f"{len(night.stored)} day(s) archived, {night.retired} day(s) of instruments aged out")
    return night


def _store(
    client: "Client", target: "ArchiveFiles", table: str, limit_days: int, lead_days: int, night: Night, say: Any
) -> None:
    for day in ageing.due(client, target, table, limit_days, lead_days):
        try:
            manifest = archive.store(client, target, table, day)
        except (TickhouseError, OSError) as error:  # this day's file; a lost server fails the next ones too
            night.failed.append(f"{table}/{day}: {error}")
            continue
        if manifest is not None:
            night.stored.append(manifest)
            say(f"archived {manifest.name}: {manifest.rows} rows, {manifest.size} bytes")

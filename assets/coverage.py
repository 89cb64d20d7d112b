"""The asset `coverage`: for each venue and dataset the grid of instruments and days, as a picture and in numbers."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

import base64
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from assets import coverage_log, coverage_picture
from assets.coverage_grid import Grid, Hole, Mark
from assets.resources import ClickHouse
from infra import settings as configuration
from infra.home import Home

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

GROUP = "coverage"
INGEST = "ingest"  # the group of the assets that write the ingest log
JOB = "draw_coverage"
_INLINE = 250_000  # bytes of pictures kept in Dagster's event log; further ones are files only
_HOLES = 50        # listed; all of them are told by `tickhouse coverage --json`


def definitions(assets: Iterable[object] = ()) -> dg.Definitions:
    """The asset, drawn below those of `assets` that ingest, and a nightly job for it alone.

    In the job of the ingest, a failed dataset would keep the picture of its failure from being drawn.
    """
    asset = _coverage(_ingested(assets))
    job = dg.define_asset_job(JOB, dg.AssetSelection.assets(asset), description="The coverage grids, drawn anew")
    return dg.Definitions(
        assets=[asset], jobs=[job],
        schedules=[
            dg.ScheduleDefinition(
                name="nightly_coverage", job=job, cron_schedule="30 2 * * *", execution_timezone="UTC",
                default_status=dg.DefaultScheduleStatus.RUNNING,
            )
        ],
    )


def _ingested(assets: Iterable[object]) -> list[dg.AssetKey]:
    made = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition)]
    return sorted({key for asset in made for key, group in asset.group_names_by_key.items() if group == INGEST})


def _coverage(after: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        name="coverage", group_name=GROUP, kinds={"clickhouse", "matplotlib"}, deps=list(after),
        # Not partitioned, but without it a run over a range of days may not select it beside the feeds.
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Instruments by days, coloured by what the ingest log knows: complete, verified empty, partial, "
        "missing, quarantined",
    )
    def coverage(clickhouse: ClickHouse) -> dg.MaterializeResult[None]:
        with clickhouse.client() as client:
            grids = coverage_log.grids(client)
            holes = [(grid, hole, why) for grid in grids for hole, why in _holes(client, grid)]
        folder = Home(configuration.load().home).reports / "coverage"
        return dg.MaterializeResult(metadata=_metadata(grids, holes, folder))

    return coverage


def _holes(client: "Client", grid: Grid) -> list[tuple[Hole, str]]:
    found = grid.holes()[:_HOLES]
    return list(zip(found, coverage_log.reasons(client, grid, found), strict=True))


def _metadata(
    grids: Sequence[Grid], holes: Sequence[tuple[Grid, Hole, str]], folder: Path
) -> dict[str, dg.MetadataValue | int | float | str]:
    """Pictures first, then counts by state and the first holes."""
    told: dict[str, dg.MetadataValue | int | float | str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    room = _INLINE
    for grid in grids:
        png = coverage_picture.draw(grid)
        file = _write(folder, grid, png)
        room -= len(png)
        if room >= 0:
            encoded = base64.b64encode(png).decode()
            told[grid.name] = dg.MetadataValue.md(f"![{grid.name}](data:image/png;base64,{encoded})")
        else:
            told[grid.name] = dg.MetadataValue.path(file)
    due, whole = sum(grid.due for grid in grids), sum(grid.whole for grid in grids)
    return told | {
        "folder": dg.MetadataValue.path(folder),
        "instrument_days": due,
        "whole_share": whole / due if due else 1.0,
        **{mark.name.lower(): sum(grid.counts()[mark] for grid in grids) for mark in Mark},
        "datasets": _table(
            [
                {"dataset": grid.dataset, "venue": grid.venue, "instruments": len(grid.rows),
                 "first": grid.first.isoformat(), "last": grid.last.isoformat(), "whole": grid.percent,
                 "never_asked": len(grid.never), **{mark.name.lower(): n for mark, n in grid.counts().items()}}
                for grid in grids
            ]
        ),
        "first_holes": _table(
            [
                {"dataset": grid.dataset, "venue": grid.venue, "instrument": hole.row.name, "state": hole.mark.label,
                 "first": hole.first.isoformat(), "last": hole.last.isoformat(), "days": hole.days, "rules": why}
                for grid, hole, why in sorted(holes, key=lambda one: (-one[1].mark, one[1].first))[:_HOLES]
            ]
        ),
    }


def _write(folder: Path, grid: Grid, png: bytes) -> Path:
    """`<venue>-<dataset>.png`, whole or not at all: a mail or a page may be reading it."""
    file = folder / f"{re.sub(r'[^A-Za-z0-9_.]+', '-', grid.name)}.png"
    draft = file.with_suffix(".tmp")
    draft.write_bytes(png)
    draft.replace(file)
    return file


def _table(rows: Sequence[dict[str, str | int]]) -> dg.MetadataValue:
    columns = [
        dg.TableColumn(name, "int" if isinstance(value, int) else "string")
        for name, value in (rows[0] if rows else {}).items()
    ]
    return dg.TableMetadataValue([dg.TableRecord(row) for row in rows], dg.TableSchema(columns))

"""`tickhouse coverage`: which days of which instruments are whole, drawn in the terminal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assets.coverage_grid import Grid, Hole
    from infra.settings import Settings

HOLES = 1
Dataset = Annotated[str, typer.Option(help="As the ingest log calls it: bars, bars_1h, trades, series/fear_greed.")]
Venue = Annotated[str, typer.Option(help="One venue only.")]
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; else the first in the log.")]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; else the last in the log.")]
Json = Annotated[bool, typer.Option("--json", help="Counts and all holes as one JSON object.")]
Most = Annotated[int, typer.Option("--holes", min=0, help="How many holes to list for each dataset.")]


def command(
    dataset: Dataset = "", venue: Venue = "", since: Since = None, until: Until = None, as_json: Json = False,
    holes: Most = 10,
) -> None:
    """Draw instruments and days by their state; exit code 0 when every due day is whole, 1 when one is not."""
    from infra.settings import load

    grids, whys = collect(load(), dataset, venue, since, until)
    if as_json:
        import json

        print(json.dumps({"grids": [_json(grid, why) for grid, why in zip(grids, whys, strict=True)]}, indent=1))
    else:
        from rich.console import Console

        from cli.coverage_text import show

        show(Console(), grids, whys, holes)
    if not grids or any(grid.whole < grid.due for grid in grids):
        raise typer.Exit(HOLES)


def collect(
    settings: Settings, dataset: str = "", venue: str = "", since: datetime | None = None, until: datetime | None = None
) -> tuple[list[Grid], list[list[tuple[Hole, str]]]]:
    """The grids of the ingest log, and for each its holes with what the verdicts accuse their first day of."""
    from assets import coverage_log
    from store import clickhouse

    if since and until and until < since:
        raise typer.BadParameter("lies before --since", param_hint="--until")
    with clickhouse.connect(settings) as client:
        grids = coverage_log.grids(
            client, dataset, venue, since.date() if since else None, until.date() if until else None
        )
        found = []
        for grid in grids:
            holes = grid.holes()
            found.append(list(zip(holes, coverage_log.reasons(client, grid, holes), strict=True)))
    return grids, found


def _json(grid: Grid, holes: Sequence[tuple[Hole, str]]) -> dict[str, object]:
    return {
        "dataset": grid.dataset, "venue": grid.venue, "first": grid.first.isoformat(), "last": grid.last.isoformat(),
        "instruments": len(grid.rows), "due": grid.due, "whole": grid.whole,
        "states": {mark.name.lower(): count for mark, count in grid.counts().items()},
        "never_asked": list(grid.never),
        "holes": [
            {"instrument": hole.row.instrument, "name": hole.row.name, "state": hole.mark.name.lower(),
             "first": hole.first.isoformat(), "last": hole.last.isoformat(), "days": hole.days, "rules": why}
            for hole, why in holes
        ],
    }

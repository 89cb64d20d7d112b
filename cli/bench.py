"""`tickhouse bench NAME`: one JSON object with figures, goals and a baseline of the same run."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="Print benchmarks as JSON.", no_args_is_help=True)


@app.callback()
def benches() -> None:
    """Print benchmarks as JSON."""


@app.command()
def hotpath(
    quick: Annotated[bool, typer.Option(help="End within 45 seconds.")] = False,
    instruments: Annotated[int, typer.Option(min=1, max=1000, help="How many instruments trade.")] = 20,
) -> None:
    """Tick to order through the whole flow at three rates, and the most it sustains."""
    import logging

    from infra import logging as logs
    from streaming.bench.hotpath import measure

    logs.configure("bench", level=logging.WARNING)  # stdout belongs to the JSON object
    seconds, fastest = (2.0, 200_000) if quick else (10.0, 1_000_000)
    print(json.dumps(measure(seconds=seconds, fastest=fastest, instruments=instruments), indent=1))


@app.command()
def history(
    quick: Annotated[bool, typer.Option(help="End within 45 seconds, with less data.")] = False,
) -> None:
    """Files into ClickHouse, a year of bars into a frame, fourteen daily factors, and the memory of a backfill."""
    import logging

    from assets.bench.history import FULL, QUICK, measure
    from infra import logging as logs

    logs.configure("bench", level=logging.WARNING)
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # it sets its own
    print(json.dumps(measure(QUICK if quick else FULL), indent=1))

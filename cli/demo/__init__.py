"""`tickhouse demo`: the main job from end to end on the embedded stack, each stage on real parts."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Run the main job end to end on the embedded stack.", invoke_without_command=True)


@app.callback()
def main(
    context: typer.Context,
    keep: Annotated[bool, typer.Option(help="leave the stack up to look around")] = False,
    venue: Annotated[str, typer.Option(help="a ccxt venue: its public data, paper orders only")] = "",
    days: Annotated[int, typer.Option(min=40, help="days of one-minute bars; the risk report needs some")] = 60,
    trade_days: Annotated[int, typer.Option(min=3, help="days of trades, features and labels")] = 6,
    live_seconds: Annotated[int, typer.Option(min=5, help="how long the live flow runs")] = 60,
) -> None:
    """History, checks, dbt, features, model, risk report, live flow, replay: ends with a summary."""
    if context.invoked_subcommand is not None:
        return
    from cli.demo.plan import Plan
    from cli.demo.runner import run
    from cli.demo.stages import main_job

    plan = Plan.make(venue=venue, days=days, trade_days=trade_days, live_seconds=live_seconds)
    raise typer.Exit(run(plan, main_job(venue), keep=keep))


@app.command()
def history(
    keep: Annotated[bool, typer.Option(help="leave the stack up to look around")] = False,
    days: Annotated[int, typer.Option(min=6, max=60, help="days of bars and funding")] = 14,
) -> None:
    """A backfill with a bad row and a missing file: coverage, the e-mail that they cause, repair, as of."""
    from cli.demo.history import HistoryPlan, stages
    from cli.demo.runner import run

    raise typer.Exit(run(HistoryPlan.of(days), stages(days), keep=keep))

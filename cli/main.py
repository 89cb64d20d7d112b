"""The `tickhouse` command. Each subcommand is one file that imports what it needs inside its function."""

from __future__ import annotations

import importlib
import sys

import typer

from infra.errors import TickhouseError

# One file a subcommand: module name -> the function in it called `command` (or a Typer called `app`).
COMMANDS = (
    "up", "down", "status", "coverage", "inspect", "demo", "halt", "resume", "bench", "verify", "archive", "docs",
)

app = typer.Typer(
    name="tickhouse",
    help="Batch-and-stream data platform for quantitative crypto trading.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Batch-and-stream data platform for quantitative crypto trading."""
    # A callback keeps `tickhouse NAME` the form even while only one subcommand is there.


def _register() -> None:
    for name in COMMANDS:
        try:
            module = importlib.import_module(f"cli.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"cli.{name}":
                raise
            continue
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(module.command)


def main() -> None:
    """Run the command; an error of ours is one line on stderr and exit code 1, never a traceback."""
    _register()
    try:
        app()
    except TickhouseError as error:
        print(error, file=sys.stderr)
        sys.exit(1)

"""`tickhouse status`: what runs here."""

from __future__ import annotations

import typer

NOT_RUNNING, NOT_READY = 1, 3


def command() -> None:
    """Show the services; exit code 0 when all are ready, 1 when no stack runs, 3 when one is not ready."""
    from rich.console import Console
    from rich.table import Table

    from infra.home import Home
    from infra.settings import load
    from infra.stack import board

    settings = load()
    home = Home(settings.home.resolve())
    found = board.read(home)
    if found is None:
        print(f"no stack runs in {home.root}: start it with `make up`")
        raise typer.Exit(NOT_RUNNING)
    table = Table("service", "state", "pid", "restarts", title=f"stack of {home.root}")
    table.add_column("address", overflow="fold")
    table.add_column("note", overflow="fold")
    for service in found.services:
        address = service.url or (f"port {service.port}" if service.port else "")
        colour = "green" if service.state.is_good else "yellow"
        pid = str(service.pid or "")
        table.add_row(
            service.name, f"[{colour}]{service.state}[/]", pid, str(service.restarts), address, service.note
        )
    Console().print(table)
    if not found.is_ready:
        raise typer.Exit(NOT_READY)

"""`tickhouse halt`: no new orders, working orders cancelled, until `tickhouse resume`."""

from __future__ import annotations

from typing import Annotated

import typer


def command(reason: Annotated[str, typer.Option(help="Why; shown wherever the halt is seen.")] = "by hand") -> None:
    """Halt trading: no new orders, working orders are cancelled; stays so until `tickhouse resume`."""
    from infra import settings as configuration
    from infra.home import Home
    from streaming import halt
    from streaming.halt_client import announce, copy_to_redis

    settings = configuration.load()
    home = Home(settings.home)
    halt.write(home, reason)
    print(f"halted: {halt.read(home)} ({home.halt})")
    print(announce(settings))
    copy_to_redis(settings, halt.read(home))

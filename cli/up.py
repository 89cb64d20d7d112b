"""`tickhouse up`: start the services of this machine and stay."""

from __future__ import annotations

import contextlib
import time
from typing import Annotated

import typer

Only = Annotated[str, typer.Option(help="Comma-separated services to start, e.g. clickhouse,redis.")]
Port = Annotated[list[str] | None, typer.Option(help="A port that must be had, e.g. clickhouse=8123; repeatable.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return once everything is ready; stop with `tickhouse down`.")]


def command(only: Only = "", port: Port = None, detach: Detach = False) -> None:
    """Start the local stack and stay; Ctrl-C stops it in order, twice at once."""
    from infra.home import Home
    from infra.settings import load
    from infra.stack import preflight
    from infra.stack.plan import plan
    from infra.stack.ports import Claims
    from infra.stack.supervisor import run_stack

    settings = load()
    home = Home(settings.home.resolve())
    preflight.check(home)
    names = [name.strip() for name in only.split(",") if name.strip()]
    forced = _ports(port or [])
    if detach:
        from infra.stack.background import start

        start(home, names, forced, _say)
        return
    with Claims() as claims:
        run_stack(lambda: plan(settings, names, forced, claims), home, _say)


def _ports(words: list[str]) -> dict[str, int]:
    chosen = {}
    for word in words:
        name, _, number = word.partition("=")
        if not number.isdigit():
            raise typer.BadParameter(f"{word}: write SERVICE=NUMBER", param_hint="--port")
        chosen[name] = int(number)
    return chosen


def _say(service: str, text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone: the stack stops in order all the same
        print(f"{time.strftime('%H:%M:%S')} {service:14} {text}", flush=True)

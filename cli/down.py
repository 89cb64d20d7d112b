"""`tickhouse down`: stop a stack that was left running, and whatever it left behind."""

from __future__ import annotations


def command() -> None:
    """Stop the local stack of this folder, however its supervisor ended."""
    from infra.home import Home
    from infra.settings import load
    from infra.stack.background import stop

    stopped = stop(Home(load().home.resolve()))
    if stopped.supervisor:
        print(f"stopped the stack (pid {stopped.supervisor})")
    if stopped.leftovers:
        print(f"killed {len(stopped.leftovers)} processes left behind")
    if not stopped.supervisor and not stopped.leftovers:
        print("no stack runs in this folder")

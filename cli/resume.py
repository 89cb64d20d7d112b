"""`tickhouse resume`: ends a halt."""

from __future__ import annotations


def command() -> None:
    """End a halt: strategies may trade again."""
    from infra import settings as configuration
    from infra.home import Home
    from streaming import halt
    from streaming.halt_client import announce, copy_to_redis

    settings = configuration.load()
    home = Home(settings.home)
    copy_to_redis(settings, None)  # first: the control process takes a halt it sees there for a new one
    if not halt.clear(home):
        print("trading was not halted")
        return
    print("resumed")
    print(announce(settings))

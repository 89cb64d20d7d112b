"""Ports on loopback."""

from __future__ import annotations

import socket

from infra.errors import TickhouseError
from infra.stack.errors import StackCode

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether we could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection in TIME_WAIT does not count
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = LOOPBACK) -> int:
    """Any port that is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def choose(usual: int, forced: int | None = None, taken: frozenset[int] = frozenset()) -> int:
    """The forced port, else the usual one when it is free, else any free one; PORT_TAKEN for a forced one in use."""
    if forced is not None:
        if forced in taken or not is_free(forced):
            raise TickhouseError(StackCode.PORT_TAKEN, port=forced)
        return forced
    if usual not in taken and is_free(usual):
        return usual
    port = free_port()
    while port in taken:
        port = free_port()
    return port

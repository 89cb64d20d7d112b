"""Ports on loopback: which are free, which we have spoken for, and who listens."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Self

from infra.errors import TickhouseError
from infra.stack.errors import StackCode

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"


class Claims:
    """Ports chosen by this stack, which no other stack on this machine chooses while we live.

    A port stays free for seconds between the choice and the service's bind: two stacks that start at the same moment
    would choose the same ones. A claim is an abstract socket's name, which the kernel takes back whatever happens to
    us. Elsewhere than on Linux there are none, and a stack that loses a port plans again.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def choose(self, usual: int, forced: int | None = None) -> int:
        """The forced port, else the usual one when it is free, else any free one; PORT_TAKEN for a forced one in use.

        No port is given twice.
        """
        if forced is not None:
            if not self._take(forced):
                raise TickhouseError(StackCode.PORT_TAKEN, port=forced)
            return forced
        port = usual
        while not self._take(port):
            port = free_port()
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Gives all of them back."""
        for claim in self._held.values():
            claim.close()
        self._held.clear()

    def _take(self, port: int) -> bool:
        if port in self._held or not is_free(port):
            return False
        claim = socket.socket(socket.AF_UNIX)
        if sys.platform == "linux":
            try:
                claim.bind(f"\0tickhouse-port-{port}")
            except OSError:
                claim.close()
                return False
        self._held[port] = claim
        return True


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


def has_stranger(port: int, session: int) -> bool:
    """Whether anybody outside that session (the one that a service was started in) listens on the port.

    An answer on the port proves nothing: it may be another stack's server. False where the kernel does not tell.
    """
    listening = _listening(port)
    return bool(listening) and not listening <= _sockets(session)


def _listening(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        rows = table.read_text().splitlines()[1:] if table.exists() else []
        for _, local, _, state, *_, inode in (row.split()[:10] for row in rows):
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                found.add(f"socket:[{inode}]")
    return found


def _sockets(session: int) -> set[str]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if os.getsid(int(folder.name)) == session:
                for link in (folder / "fd").iterdir():
                    with contextlib.suppress(OSError):  # closed meanwhile: no reason to miss the others
                        found.add(str(link.readlink()))
    return found

"""What a service is, and what is known about it while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from infra.stack.probe import Probe, alive

if TYPE_CHECKING:
    from pathlib import Path

    from infra.endpoints import Service as Endpoint


class State(StrEnum):
    """Where a service is in its life."""

    WAITING = "waiting"        # for the services it needs
    STARTING = "starting"
    READY = "ready"
    DONE = "done"              # a task that ends by itself has ended well
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_good(self) -> bool:
        """Whether others may rely on it."""
        return self in {State.READY, State.DONE}


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """How to run a service and how to see that it is ready."""

    name: str
    argv: list[str]
    ready: Probe = alive
    after: tuple[str, ...] = ()       # started when these are ready, stopped before them
    stop_before: tuple[str, ...] = () # starts without these, but is stopped before them
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    port: int | None = None
    url: str = ""
    endpoint: Endpoint | None = None  # under which its address is published
    once: bool = False                # a task: it is ready when it has exited with 0
    start_timeout_s: float = 90.0
    stop_timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What `tickhouse status` shows of a service."""

    name: str
    state: State
    pid: int | None
    restarts: int
    port: int | None
    url: str
    note: str     # why it is not ready

"""The stack's notice board: a file that says what runs, for `tickhouse status` and whoever waits for the stack."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from infra.stack.lock import holder
from infra.stack.service import ServiceStatus, State

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import Home


@dataclass(frozen=True, slots=True)
class Board:
    """What the supervisor last wrote."""

    pid: int
    services: tuple[ServiceStatus, ...]

    @property
    def is_ready(self) -> bool:
        """Whether every service is ready and every task done."""
        return all(service.state.is_good for service in self.services)


def board_file(home: Home) -> Path:
    """Where the board hangs."""
    return home.run / "stack.json"


def write(home: Home, board: Board) -> None:
    """Replaces the board at once."""
    draft = board_file(home).with_suffix(".tmp")
    draft.write_text(json.dumps({"pid": board.pid, "services": [asdict(service) for service in board.services]}))
    draft.replace(board_file(home))


def read(home: Home) -> Board | None:
    """What runs now; None when no supervisor lives, whatever an old board says."""
    pid = holder(home)
    try:
        text = board_file(home).read_text()
    except FileNotFoundError:
        return None
    content = json.loads(text)
    if pid is None or content["pid"] != pid:
        return None
    return Board(pid, tuple(ServiceStatus(**row | {"state": State(row["state"])}) for row in content["services"]))


def remove(home: Home) -> None:
    """Takes the board down."""
    board_file(home).unlink(missing_ok=True)

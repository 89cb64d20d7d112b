"""The kill switch's file: durable before anybody is told, and respected by every process after it."""

from __future__ import annotations

import json
import os
import time

from infra.home import Home


def write(home: Home, reason: str) -> None:
    """Halts: the file is on the disk when this returns. A second halt keeps the first one's reason."""
    if home.halt.exists():
        return
    home.root.mkdir(parents=True, exist_ok=True)
    draft = home.halt.with_suffix(".tmp")
    with draft.open("w") as file:
        json.dump({"reason": reason, "ts": time.time_ns()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(home.halt)


def clear(home: Home) -> bool:
    """Ends the halt; False where there was none."""
    try:
        home.halt.unlink()
    except FileNotFoundError:
        return False
    return True


def read(home: Home) -> str | None:
    """The reason of the halt, None while there is none; a damaged file halts as well."""
    try:
        text = home.halt.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"halt file cannot be read: {error.strerror}"
    try:
        return str(json.loads(text)["reason"])
    except (ValueError, KeyError, TypeError):
        return "halt file is damaged"

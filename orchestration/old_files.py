"""Files of ours that nobody needs any more, by age."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.home import Home
    from infra.settings import Housekeeping

_KEPT_SETS = 3   # newest training sets: those that the living models were made of
_KEPT_LOGS = 1   # newest input log: that of the session which may be running
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Cleared:
    """What went of one kind."""

    what: str
    items: int
    size: int   # bytes
    kept: int


def clear(home: Home, limits: Housekeeping, now_s: float | None = None) -> Iterator[Cleared]:
    """Deletes what is older than its limit in days (0: nothing), a kind at a time."""
    now_s = time.time() if now_s is None else now_s
    yield _clear("staging", _files(home.staging), limits.staging, now_s, 0)
    _drop_empty(home.staging)
    yield _clear("training sets", _children(home.training_sets), limits.training_sets, now_s, _KEPT_SETS)
    yield _clear("input logs", _children(home.input_log("")), limits.input_logs, now_s, _KEPT_LOGS)


def _clear(what: str, items: list[Path], days: int, now_s: float, keep: int) -> Cleared:
    ages = sorted(((_newest(item), item) for item in items), reverse=True)
    old = [item for at, item in ages[keep:] if days and at < now_s - days * _DAY_S]
    size = 0
    for item in old:
        size += sum(file.stat().st_size for file in _files(item)) if item.is_dir() else item.stat().st_size
        if item.is_dir():
            shutil.rmtree(item)
        else:
            item.unlink()
    return Cleared(what, len(old), size, len(items) - len(old))


def _newest(item: Path) -> float:
    """When anything in it was last written."""
    return max((file.stat().st_mtime for file in _files(item)), default=item.stat().st_mtime)


def _files(folder: Path) -> list[Path]:
    return [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _drop_empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()

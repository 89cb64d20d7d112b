"""`python -m store`: brings ClickHouse's schema up to date."""

from __future__ import annotations

import sys

from infra.errors import TickhouseError
from infra.settings import load
from store.clickhouse import migrate


def main() -> None:
    """Names on stdout what was applied."""
    try:
        applied = migrate(load())
    except TickhouseError as error:
        raise SystemExit(str(error)) from error
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "up to date\n")


if __name__ == "__main__":
    main()

"""Where the embedded stack's services listen: `.tickhouse/endpoints.json`, written by the supervisor."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

from infra.errors import ErrorCode, TickhouseError


class EndpointCode(ErrorCode):
    """What can be wrong with an address."""

    STACK_NOT_RUNNING = (
        "the embedded stack does not run in this folder",
        "start it with `make up`, or set the address in config/tickhouse.toml",
    )


class Service(StrEnum):
    """The services of the embedded stack that have an address."""

    CLICKHOUSE = "clickhouse"
    REDIS = "redis"
    DAGSTER = "dagster"
    MLFLOW = "mlflow"
    SANDBOX = "sandbox"


def write(home: Path, addresses: dict[Service, str]) -> None:
    """Replaces the file at once, so that a reader sees the old or the new one."""
    home.mkdir(parents=True, exist_ok=True)
    draft = home / "endpoints.json.tmp"
    draft.write_text(json.dumps({str(service): url for service, url in addresses.items()}, indent=1))
    draft.replace(home / "endpoints.json")


def remove(home: Path) -> None:
    """Forgets the addresses: whoever asks is told that the stack is down."""
    (home / "endpoints.json").unlink(missing_ok=True)


def address(home: Path, service: Service) -> str:
    """Address of `service`; STACK_NOT_RUNNING where no stack has written one."""
    try:
        return str(json.loads((home / "endpoints.json").read_text())[service])
    except (FileNotFoundError, KeyError, json.JSONDecodeError) as error:
        raise TickhouseError(EndpointCode.STACK_NOT_RUNNING, service=service, home=home) from error

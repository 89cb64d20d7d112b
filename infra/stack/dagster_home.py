"""Dagster's home folder: its instance and workspace files, written anew at each start of the stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infra.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings import Settings

PASSWORD = "DAGSTER_PG_PASSWORD"  # noqa: S105 - the name of an environment variable


def write(folder: Path, settings: Settings, code_port: int) -> dict[str, str]:
    """The environment that Dagster's processes need; the files are JSON, which is YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(json.dumps(instance(settings), indent=1))
    (folder / "workspace.yaml").write_text(json.dumps(workspace(code_port), indent=1))
    environment = {
        "DAGSTER_HOME": str(folder),
        "DAGSTER_EVENT_BATCH_SIZE": "100",  # halves the cost of a partition in the event log
    }
    if password := settings.dagster.postgres_password.get_secret_value():
        environment[PASSWORD] = password
    return environment


def instance(settings: Settings) -> dict[str, Any]:
    """`dagster.yaml`: SQLite in the home folder, or Postgres where its URL is set."""
    content: dict[str, Any] = {
        "telemetry": {"enabled": False},
        # Two runs at a time, one holder a pool: sized for two cores and one venue connection.
        "concurrency": {
            "runs": {"max_concurrent_runs": 2},
            "pools": {"default_limit": 1, "granularity": "op"},
        },
        # Only crashed runs are repeated; steps that may be repeated say so themselves.
        "run_retries": {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 300,
            "max_runtime_seconds": 21600,
            "poll_interval_seconds": 10,
            "free_slots_after_run_end_seconds": 10,
        },
        "retention": {
            "sensor": {"purge_after_days": {"skipped": 7, "success": 30, "failure": 30, "started": -1}},
            "schedule": {"purge_after_days": 90},
        },
    }
    if settings.dagster.postgres_url:
        url = urlsplit(settings.dagster.postgres_url)
        secret = settings.dagster.postgres_password.get_secret_value()
        content["storage"] = {
            "postgres": {
                "postgres_db": {
                    "hostname": url.hostname or LOOPBACK,
                    "port": url.port or 5432,
                    "db_name": url.path.lstrip("/") or "dagster",
                    "username": url.username or "dagster",
                    "password": {"env": PASSWORD} if secret else "",
                    "scheme": "postgresql+psycopg2",  # a bare scheme means psycopg 3 to SQLAlchemy 2.1
                }
            }
        }
    return content


def workspace(code_port: int) -> dict[str, Any]:
    """`workspace.yaml`: one code server, shared by the webserver and the daemon."""
    server = {"host": LOOPBACK, "port": code_port, "location_name": "tickhouse"}
    return {"load_from": [{"grpc_server": server}]}

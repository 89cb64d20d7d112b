"""`python -m infra.clickhouse --path FOLDER --port 8123`: the embedded ClickHouse as a process.

The password, if any, is taken from CLICKHOUSE_PASSWORD so that it stands in no process list.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import time
from pathlib import Path

from infra.clickhouse.faults import QueryError
from infra.errors import TickhouseError
from infra.stack.errors import StackCode

CONFIG = (Path(__file__).with_name("chdb.xml"), Path(__file__).with_name("users.xml"))


def main() -> None:
    """Serve until SIGTERM or SIGINT; requests on their way are finished."""
    parser = argparse.ArgumentParser(prog="python -m infra.clickhouse")
    parser.add_argument("--path", type=Path, required=True, help="data folder; no other process may have it open")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--user", default="default")
    parser.add_argument("--threads", type=int, default=16, help="queries at a time")
    args = parser.parse_args()

    os.environ["TZ"] = "UTC"  # chDB reads the process's zone when it is loaded, and ignores <timezone>
    # ruff: noqa: I001 - chdb must be loaded after the zone is set
    from infra.clickhouse.asgi import Asgi
    from infra.clickhouse.engine import Engine
    from infra.clickhouse.server import Server
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    path = args.path.resolve()
    path.mkdir(parents=True, exist_ok=True)
    for file in CONFIG:
        shutil.copy(file, path)
    os.chdir(path)  # the engine looks for users, logs and backups relative to it
    started = time.perf_counter()
    try:
        engine = Engine(path / "data", path / CONFIG[0].name)
    except QueryError as error:
        raise SystemExit(str(TickhouseError(StackCode.CLICKHOUSE_FOLDER, folder=path, problem=error))) from error
    logging.getLogger("clickhouse").info(
        "engine %s open on %s in %.2f s", engine.version, path, time.perf_counter() - started
    )
    app = Asgi(Server(engine, args.user, os.environ.get("CLICKHOUSE_PASSWORD", "")), args.threads)
    uvicorn.run(
        app,
        host=args.host,
        port=args.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()

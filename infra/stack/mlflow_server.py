"""`python -m infra.stack.mlflow_server --host ... --port ... --folder ...`: MLflow on SQLite, in one process.

`mlflow server` imports MLflow, prepares the database and then starts a second process that imports it all again: twice
the seconds and 280 MB that only wait. This is what that second process does.
"""

from __future__ import annotations

import argparse
import os
import uuid
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve until SIGTERM; clients on this machine write artifacts straight into the folder."""
    parser = argparse.ArgumentParser(prog="python -m infra.stack.mlflow_server")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    folder = args.folder.resolve()  # absolute, or the artifacts' place would depend on the working directory
    database, artifacts = f"sqlite:///{folder}/mlflow.db", (folder / "artifacts").as_uri()
    os.environ["_MLFLOW_SERVER_BOOT_ID"] = uuid.uuid4().hex  # as `mlflow server` tells its workers
    os.environ["_MLFLOW_SGI_NAME"] = "uvicorn"
    # MLflow asks at import whether a server's package is loaded, to know that it is one.
    import uvicorn
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR, REGISTRY_STORE_URI_ENV_VAR

    os.environ |= {
        BACKEND_STORE_URI_ENV_VAR: database,
        REGISTRY_STORE_URI_ENV_VAR: database,
        ARTIFACT_ROOT_ENV_VAR: artifacts,
    }
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    create(folder / "mlflow.db", artifacts)
    initialize_backend_stores(database, database, artifacts)  # brings the tables up to date
    uvicorn.run(app, host=args.host, port=args.port, access_log=False, log_level="warning")


def create(file: Path, artifacts: str) -> None:
    """Makes the database where there is none, whole or not at all.

    MLflow's first migration takes seconds and cannot be resumed: stopped in the middle it leaves a database that no
    later start accepts.
    """
    if file.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for old in file.parent.glob("draft*"):  # of a start that was stopped, with its rollback journal
        old.unlink()
    draft = file.with_name(f"draft-{os.getpid()}.db")
    store: Any = SqlAlchemyStore(f"sqlite:///{draft}", artifacts)  # type: ignore[no-untyped-call]
    store.engine.dispose()
    draft.replace(file)


if __name__ == "__main__":
    main()

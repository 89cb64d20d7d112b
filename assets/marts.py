"""The dbt project as assets: lineage from the ingest assets, dbt's tests as asset checks."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dagster as dg

from assets.ingest.feeds import FEEDS
from infra import settings as configuration

if TYPE_CHECKING:
    from dagster_dbt import DbtProject

    from infra.settings import Settings

GROUP = "marts"
FOLDER = configuration.PROJECT / "dbt"


def build(venue: str) -> list[dg.AssetsDefinition]:
    """All dbt models as one asset definition, run by one `dbt build`; makes the manifest if it is missing or old."""
    from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

    project = prepare()
    written_by = {str(feed.dataset): feed.asset for feed in FEEDS}

    class Lineage(DagsterDbtTranslator):
        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            name = dbt_resource_props["name"]
            if dbt_resource_props["resource_type"] == "source":
                return dg.AssetKey([venue, written_by.get(name, name)])
            return dg.AssetKey([name])

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
            del dbt_resource_props
            return GROUP

    @dbt_assets(manifest=project.manifest_path, project=project, name="marts", dagster_dbt_translator=Lineage())
    def marts(context: dg.AssetExecutionContext) -> Iterator[Any]:
        os.environ.update(environment(configuration.load()))
        dbt = DbtCliResource(project, dbt_executable=executable())
        yield from dbt.cli(["build"], context=context).stream()

    return [marts]


def prepare() -> "DbtProject":
    """The project with a manifest that is no older than its models: made by `dbt parse` once, not at each start."""
    from dagster_dbt import DbtProject

    project = DbtProject(FOLDER)
    if _is_old(project.manifest_path):
        project.manifest_path.parent.mkdir(parents=True, exist_ok=True)
        with (project.manifest_path.parent / "prepare.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # web server, daemon and runs may all start on a fresh clone
            if _is_old(project.manifest_path):
                _parse()
    return project


def environment(settings: "Settings") -> dict[str, str]:
    """What `dbt/profiles.yml` reads: the ClickHouse of the settings."""
    url = urlsplit(settings.clickhouse_url)
    return {
        "DBT_CLICKHOUSE_HOST": url.hostname or "localhost",
        "DBT_CLICKHOUSE_PORT": str(url.port or 8123),
        "DBT_CLICKHOUSE_SECURE": str(url.scheme == "https"),
        "DBT_CLICKHOUSE_USER": settings.clickhouse.user,
        "DBT_ENV_SECRET_CLICKHOUSE_PASSWORD": settings.clickhouse.password.get_secret_value(),
        "DBT_CLICKHOUSE_DATABASE": settings.clickhouse.database,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def executable() -> str:
    """The `dbt` beside this Python: the environment need not be activated."""
    return str(Path(sys.executable).with_name("dbt"))


def _is_old(manifest: Path) -> bool:
    if not manifest.is_file():
        return True
    files = [FOLDER / "dbt_project.yml", *(FOLDER / "models").rglob("*"), *(FOLDER / "tests").rglob("*")]
    return any(file.stat().st_mtime > manifest.stat().st_mtime for file in files)


def _parse() -> None:
    import subprocess

    subprocess.run(
        [executable(), "--quiet", "parse", "--project-dir", str(FOLDER), "--profiles-dir", str(FOLDER)],
        check=True, cwd=FOLDER,
    )

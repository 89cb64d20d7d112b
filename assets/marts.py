"""The dbt project as assets: lineage from the ingest assets, dbt's tests as asset checks."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dagster as dg

from infra import settings as configuration
from infra.home import Home

if TYPE_CHECKING:
    from dagster_dbt import DbtCliResource, DbtProject

    from infra.settings import Settings, Venue
    from venues.catalogue import Catalogue

GROUP = "marts"
FOLDER = configuration.PROJECT / "dbt"
KEPT_RUNS = 5  # folders of failed runs, with dbt's own log
_SOURCE = "dbt_source"  # stands for a base table until it is known which assets write it


def build(upstream: Mapping[str, Sequence[dg.AssetKey]]) -> list[dg.AssetsDefinition]:
    """All dbt models as one asset definition, run by one `dbt build`; makes the manifest if it is missing or old.

    `upstream` says which assets write each base table; the ingest log is written by all of them.
    """
    from dagster_dbt import DagsterDbtTranslator, dbt_assets

    project = prepare()
    logged = [key for table, keys in upstream.items() if table != "instruments" for key in keys]
    behind = {**upstream, "ingest_log": logged}

    class Lineage(DagsterDbtTranslator):
        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            name = dbt_resource_props["name"]
            return dg.AssetKey([_SOURCE, name] if dbt_resource_props["resource_type"] == "source" else [name])

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
            del dbt_resource_props
            return GROUP

        def get_asset_spec(
            self, manifest: Mapping[str, Any], unique_id: str, project: "DbtProject | None"
        ) -> dg.AssetSpec:
            spec: dg.AssetSpec = super().get_asset_spec(manifest, unique_id, project)
            return spec.replace_attributes(deps=_resolve(spec.deps, behind))

    @dbt_assets(manifest=project.manifest_path, project=project, name="marts", dagster_dbt_translator=Lineage())
    def marts(context: dg.AssetExecutionContext) -> Iterator[Any]:
        settings = configuration.load()
        with _environment(settings), _target(Home(settings.home)) as target:
            yield from resource().cli(["build"], context=context, target_path=target).stream()

    return [marts]


def written(venue: "Venue", sources: "Catalogue") -> dict[str, list[dg.AssetKey]]:
    """The assets that write each base table: every venue's feeds, files and series, and the trades heard live."""
    from assets.ingest import everything, subjects

    found: dict[str, list[dg.AssetKey]] = {}
    for taken in everything.rest(venue, sources):
        found.setdefault("instruments", []).append(dg.AssetKey([taken.venue, "instruments"]))
        for feed in taken.feeds:
            found.setdefault(str(feed.dataset), []).append(dg.AssetKey([taken.venue, feed.asset]))
    found.setdefault("trades", []).append(dg.AssetKey([venue.name, "trades_sealed"]))
    asked = {key.path[0] for key in found["instruments"]}
    for name in sorted({entry.venue for entry in sources.files} - asked):
        found["instruments"].append(dg.AssetKey([name, "instruments"]))
    for entry in sources.files:
        for table in dict.fromkeys(str(subject.dataset) for subject in subjects.of_files(entry)):
            found.setdefault(table, []).append(dg.AssetKey([entry.venue, entry.name]))
    for series in sources.index:
        found.setdefault("series", []).append(dg.AssetKey(["series", series.name]))
    return found


def models() -> list[str]:
    """Names of all models: they are the assets' keys."""
    return sorted(file.stem for file in (FOLDER / "models").rglob("*.sql"))


def prepare() -> "DbtProject":
    """The project with a manifest that is no older than its models: made by `dbt parse` once, not at each start."""
    from dagster_dbt import DbtProject

    project = DbtProject(FOLDER)
    manifest = project.manifest_path
    if _is_old(manifest):
        manifest.parent.mkdir(parents=True, exist_ok=True)
        with (manifest.parent / "prepare.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # web server, daemon and runs may all start on a fresh clone
            if _is_old(manifest):
                _parse(manifest.parent)
    return project


def resource() -> "DbtCliResource":
    """What starts dbt."""
    from importlib.metadata import version

    from dagster_dbt import DbtCliResource
    from packaging.version import Version

    class Dbt(DbtCliResource):
        @property
        def _cli_version(self) -> Version:
            # The library would start `dbt --version` for it, which takes seconds and asks the package index.
            return Version(version("dbt-core"))

    folder = str(FOLDER)
    return Dbt(project_dir=folder, profiles_dir=folder, dbt_executable=executable())


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


def _resolve(deps: Iterable[dg.AssetDep], upstream: Mapping[str, Sequence[dg.AssetKey]]) -> list[dg.AssetKey]:
    """The assets behind the dependencies: a base table that no asset writes has none."""
    found: dict[dg.AssetKey, None] = {}
    for dep in deps:
        path = dep.asset_key.path
        for key in upstream.get(path[1], ()) if path[0] == _SOURCE else [dep.asset_key]:
            found[key] = None
    return list(found)


@contextmanager
def _environment(settings: "Settings") -> Iterator[None]:
    """Sets dbt's variables for the time of a run: dagster-dbt passes on this process's, and reads them itself."""
    before = os.environ.copy()
    os.environ.update(environment(settings))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _target(home: Home) -> Iterator[Path]:
    """A folder of its own for one run's artefacts, gone when the run is well; the last failed ones stay."""
    runs = home.root / "dbt"
    runs.mkdir(parents=True, exist_ok=True)
    for old in sorted(runs.iterdir(), key=lambda folder: folder.stat().st_mtime)[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _is_old(manifest: Path) -> bool:
    if not manifest.is_file():
        return True
    made = manifest.stat().st_mtime
    folders = [FOLDER / name for name in ("models", "macros", "tests")]
    files = [FOLDER / "dbt_project.yml", *folders, *(file for folder in folders for file in folder.rglob("*"))]
    return any(file.stat().st_mtime > made for file in files)


def _parse(target: Path) -> None:
    """Makes the manifest aside and puts it in place whole: who looks at the same time never reads half of it."""
    import subprocess

    with tempfile.TemporaryDirectory(prefix="parse-", dir=target) as aside:
        subprocess.run(
            [executable(), "--quiet", "parse", "--project-dir", str(FOLDER), "--profiles-dir", str(FOLDER),
             "--target-path", aside, "--log-path", aside],
            check=True, cwd=FOLDER,
        )  # fmt: skip
        for name in ("partial_parse.msgpack", "manifest.json"):
            Path(aside, name).replace(target / name)

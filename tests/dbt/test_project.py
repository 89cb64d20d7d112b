"""The dbt project as an asset: built on a real ClickHouse, its tests as checks, described to the last column."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version

import dagster as dg
import pytest

from assets import marts as project
from infra.settings import PROJECT, Venue
from market.dataset import Dataset
from tests.support import wait_until
from venues.catalogue import Catalogue, Feed, Files, Index, Rest

pytestmark = pytest.mark.xdist_group("dbt")  # one build for both files


def test_no_python_file_shadows_the_package():
    assert list((PROJECT / "dbt").rglob("*.py")) == []


@pytest.mark.stack
def test_everything_is_built_and_every_test_passes(marts):
    assert marts.first.success
    checks = marts.first.get_asset_check_evaluations()
    assert len(checks) > 60
    assert [check.check_name for check in checks if not check.passed] == []
    made = {event.asset_key.to_user_string() for event in marts.first.get_asset_materialization_events()}
    assert made == set(project.models())
    assert list((marts.settings.home / "dbt").iterdir()) == []  # nothing of a run that went well is left


def test_lineage_goes_back_to_the_assets_that_write_the_tables():
    written = {"bars": [dg.AssetKey(["a", "bars_1m"]), dg.AssetKey(["b", "klines"])],
               "instruments": [dg.AssetKey(["a", "instruments"])]}
    (built,) = project.build(written)
    parents = {key.to_user_string(): {dep.to_user_string() for dep in deps}
               for key, deps in built.asset_deps.items()}
    assert parents["staging_bars"] == {"a/bars_1m", "b/klines", "staging_instruments", "staging_days"}
    assert parents["staging_instruments"] == {"a/instruments"}
    assert parents["staging_days"] == {"a/bars_1m", "b/klines"}
    assert parents["staging_quotes"] == {"staging_instruments", "staging_days"}  # no asset writes quotes here
    assert parents["mart_bars_15m"] == {"mart_bars_5m", "staging_days"}
    assert parents["mart_bars_1w"] == {"mart_bars_1d"}
    assert set(parents) == set(project.models())


def test_every_source_of_the_catalogue_is_behind_its_table():
    sources = Catalogue(
        rest=(Rest(venue="kraken", symbols=("ADA/EUR",), feeds=(Feed(dataset=Dataset.BARS, interval_s=3600),)),),
        files=(Files(name="metrics", venue="bybit", format="binance_metrics", path="x/{day}.csv", symbols=("A/B",)),),
        index=(Index(name="fear", url="http://x", time="t", columns={"fear": "v"}, publication_lag_s=0),),
    )
    found = project.written(Venue(symbols=("BTC/USDT:USDT",)), sources)
    named = {table: [key.to_user_string() for key in keys] for table, keys in found.items()}
    assert named["bars"] == ["binance/bars_1m", "kraken/bars_1h"]
    assert named["trades"] == ["binance/trades", "binance/trades_sealed"]
    assert named["instruments"] == ["binance/instruments", "kraken/instruments", "bybit/instruments"]
    assert "bybit/metrics" in named["open_interest"]
    assert named["series"] == ["bybit/metrics", "series/fear"]


@pytest.mark.stack
def test_every_model_and_column_is_described(marts):
    manifest = json.loads(project.prepare().manifest_path.read_text())
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    bare = [name for name, node in models.items() if not node["description"]]
    tables = marts.read("SELECT table, name FROM system.columns WHERE database = currentDatabase()")
    for name, node in models.items():
        columns = set(tables.filter(table=name)["name"].to_list())
        # Bars of the base have no `day`, and staging's day is the row's own.
        described = {column for column, told in node["columns"].items() if told["description"]}
        bare += [f"{name}.{column}" for column in columns - described - {"day", "interval_s"}]
        bare += [f"{name}.{column} is not there" for column in described - columns]
    assert bare == []


def test_who_starts_while_the_manifest_is_made_never_reads_half_of_it(tmp_path):
    """Two processes of one clone started together once read a manifest that `dbt parse` was still writing."""
    slow = tmp_path / "dbt"
    slow.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys, time\n"
        "target = pathlib.Path(sys.argv[sys.argv.index('--target-path') + 1])\n"
        "(target / 'partial_parse.msgpack').write_bytes(b'x')\n"
        "with (target / 'manifest.json').open('w') as out:\n"
        "    for part in ['{', '\"nodes\"', ': {}', '}']:\n"
        "        out.write(part)\n"
        "        out.flush()\n"
        "        time.sleep(0.05)\n"
    )
    slow.chmod(0o755)
    target = tmp_path / "target"
    target.mkdir()
    manifest = target / "manifest.json"
    seen = []
    program = (
        "import sys; from pathlib import Path; from assets import marts; marts.executable = lambda: sys.argv[2]\n"
        "marts._parse(Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(target), str(slow)], cwd=PROJECT)
    try:
        wait_until(lambda: seen.append(manifest.read_text() if manifest.exists() else None) or seen[-1], 60)
    finally:
        process.wait()
    assert set(seen) <= {None, '{"nodes": {}}'}
    assert sorted(file.name for file in target.iterdir()) == ["manifest.json", "partial_parse.msgpack"]


def test_no_version_is_asked_of_the_package_index(monkeypatch):
    """A start of `dbt --version` for each build took seconds, and its question to the index more where none answers."""
    def refuse(*words, **_):
        raise AssertionError(words)

    monkeypatch.setattr(subprocess, "check_output", refuse)
    monkeypatch.setattr("dagster_dbt.core.resource.check_output", refuse)
    made = project.resource()
    assert str(made._cli_version) == version("dbt-core")


def test_a_manifest_older_than_any_file_of_the_project_is_old(tmp_path, monkeypatch):
    for name in ("models", "macros", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "dbt_project.yml").touch()
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    manifest = tmp_path / "manifest.json"
    assert project._is_old(manifest)
    manifest.touch()
    os.utime(manifest, (time.time() + 1, time.time() + 1))
    assert not project._is_old(manifest)
    macro = tmp_path / "macros" / "units.sql"
    macro.touch()
    os.utime(macro, (time.time() + 2, time.time() + 2))
    assert project._is_old(manifest)


def test_failed_runs_leave_their_folder_the_last_few(tmp_path):
    from infra.home import Home

    for _ in range(project.KEPT_RUNS + 3):
        with contextlib.suppress(ValueError), project._target(Home(tmp_path)) as folder:
            (folder / "dbt.log").touch()
            raise ValueError("dbt failed")
    assert len(list((tmp_path / "dbt").glob("*/dbt.log"))) == project.KEPT_RUNS + 1


def test_a_run_leaves_this_process_environment_as_it_was(settings, monkeypatch):
    monkeypatch.setenv("DBT_CLICKHOUSE_HOST", "before")
    kept = os.environ.copy()
    with project._environment(settings):
        assert os.environ["DBT_CLICKHOUSE_HOST"] == "127.0.0.1"
        assert os.environ["DBT_CLICKHOUSE_DATABASE"] == settings.clickhouse.database
    assert os.environ == kept

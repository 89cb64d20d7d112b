"""The house rules that no linter keeps."""

import subprocess
import sys

import pytest

from infra.settings import PROJECT

PACKAGES = (
    "assets", "cli", "execution", "infra", "ledger", "market", "orchestration", "quality", "research", "risk",
    "sandbox", "signals", "store", "streaming", "venues",
)  # fmt: skip
BATCH_ONLY = {"dagster", "mlflow", "dbt", "great_expectations", "lightgbm", "riskfolio", "matplotlib", "onnxmltools"}
HEAVY = BATCH_ONLY | {"ccxt", "onnxruntime", "bytewax"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}; import sys; print(' '.join({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_dbt_folder_holds_no_python():
    # A .py file there, above all an __init__.py, shadows parts of the dbt package.
    assert list((PROJECT / "dbt").rglob("*.py")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_file_has_one_subject(package):
    long = {str(f): n for f in (PROJECT / package).rglob("*.py") if (n := len(f.read_text().splitlines())) > 400}
    assert long == {}


def test_the_live_processes_need_no_batch_library():
    modules = loaded_by("import streaming.flow, execution.gateways, streaming.publisher, streaming.control")
    assert modules & BATCH_ONLY == set()


def test_the_command_starts_light():
    modules = loaded_by("import cli.main; cli.main._register()")
    assert modules & HEAVY == set()


def test_halting_needs_neither_dagster_nor_a_venue_library():
    assert loaded_by("import cli.halt, cli.resume") & HEAVY == set()

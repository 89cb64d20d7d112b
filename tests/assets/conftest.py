"""Assets run in this process, on a real ClickHouse, against the test's own venue."""

from __future__ import annotations

import dagster as dg
import pytest

from assets import features, models
from assets.ingest import definitions as ingest
from assets.resources import ClickHouse, Tracking
from orchestration import partitions
from tests.assets.tape import FIRST, SYMBOLS, Tape


class Batch:
    """Materialises by name and range, and keeps what Dagster recorded."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.instance = dg.DagsterInstance.ephemeral()
        days = partitions.daily(FIRST)
        assets = [
            *ingest.build("binance", SYMBOLS, days), *features.build("binance", SYMBOLS, days),
            *models.build("binance", SYMBOLS),
        ]
        self.definitions = dg.Definitions(
            assets=assets, executor=dg.in_process_executor,
            resources={"clickhouse": ClickHouse(), "sources": tape, "tracking": Tracking()},
        )
        self.job = self.definitions.resolve_implicit_global_asset_job_def()

    def run(
        self, *names: str, first: str = "", last: str = "", recheck: bool = False
    ) -> dg.ExecuteInProcessResult:
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
        return self.job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey(name.split("/")) for name in names],
            tags=tags if first else None, raise_on_error=False,
            run_config={"ops": {name.replace("/", "__"): {"config": {"recheck": True}} for name in names}}
            if recheck else None,
        )

    def materialised(self, name: str) -> list[str]:
        """Partitions that Dagster shows as there."""
        return sorted(self.instance.get_materialized_partitions(dg.AssetKey(name.split("/"))))


@pytest.fixture
def batch(clickhouse, tmp_path, monkeypatch) -> Batch:
    monkeypatch.setenv("TICKHOUSE_MLFLOW__TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    made = Batch(Tape())
    assert made.run("binance/instruments").success
    return made


def failure(result: dg.ExecuteInProcessResult) -> str:
    """What the failed step said, with its causes."""
    (event,) = [event for event in result.all_node_events if event.is_step_failure]
    error, said = event.step_failure_data.error, []
    while error is not None:
        said.append(error.message)
        error = error.cause
    return "\n".join(said)

"""Launches runs on the demo's own Dagster, the way its UI does, and waits for them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cli.demo.errors import DemoCode
from cli.demo.runner import Demo
from cli.demo.stack import port_of
from infra.endpoints import Service
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import load
from infra.stack.board import read as board_of

# The implicit job that holds every asset: what the UI's "Materialize" button runs.
ASSET_JOB = "__ASSET_JOB"
FAILED_STEPS = """
query Steps($id: ID!) { runOrError(runId: $id) { ... on Run {
  stepStats { stepKey status }
  eventConnection { events { __typename
    ... on ExecutionStepFailureEvent { stepKey error { message causes { message } } }
    ... on RunFailureEvent { message } } } } } }
"""
LATEST_METADATA = """
query Latest($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1) { metadataEntries { label
    ... on FloatMetadataEntry { floatValue }
    ... on IntMetadataEntry { intValue }
    ... on TextMetadataEntry { text } } } } } }
"""


def materialise(
    demo: Demo, assets: Sequence[str], *, days: tuple[date, date] | None = None, timeout: float = 400.0
) -> str:
    """Run id of one run over `assets` (and, for partitioned ones, over all `days` at once)."""
    from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

    client = DagsterGraphQLClient("127.0.0.1", port_number=port_of(Service.DAGSTER))
    tags = {} if days is None else {
        "dagster/asset_partition_range_start": days[0].isoformat(),
        "dagster/asset_partition_range_end": days[1].isoformat(),
    }  # fmt: skip
    try:
        run_id = str(
            client.submit_job_execution(ASSET_JOB, asset_selection=[name.split("/") for name in assets], tags=tags)
        )
    except DagsterGraphQLClientError as error:
        raise TickhouseError(DemoCode.DEMO_RUN_REFUSED, assets=",".join(assets), reason=error) from error
    demo.say(f"run {run_id[:8]}: {', '.join(assets)}" + ("" if days is None else f" for {days[0]} to {days[1]}"))
    _wait(client, run_id, timeout)
    return run_id


def metadata(asset: str) -> dict[str, Any]:
    """Numbers and texts that the asset's last materialisation left, as its page in the UI shows them."""
    from dagster_graphql import DagsterGraphQLClient

    client: Any = DagsterGraphQLClient("127.0.0.1", port_number=port_of(Service.DAGSTER))
    answer = client._execute(LATEST_METADATA, {"key": {"path": asset.split("/")}})  # noqa: SLF001 - no public query
    entries = answer["assetOrError"]["assetMaterializations"][0]["metadataEntries"]
    return {
        entry["label"]: value
        for entry in entries
        for name in ("floatValue", "intValue", "text")
        if (value := entry.get(name)) is not None
    }


def _wait(client: Any, run_id: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        status = _status(client, run_id)
        if status == "SUCCESS":
            return
        if status in ("FAILURE", "CANCELED"):
            raise TickhouseError(DemoCode.DEMO_RUN_FAILED, run=run_id, status=status, error=_why(client, run_id))
        if time.monotonic() > deadline:
            raise TickhouseError(DemoCode.DEMO_RUN_TIMEOUT, run=run_id, status=status, seconds=timeout)
        time.sleep(0.5)


def _status(client: Any, run_id: str) -> str:
    """The run's status, "UNKNOWN" while the webserver is being restarted; DEMO_STACK_GONE when nobody would do that."""
    from dagster_graphql import DagsterGraphQLClientError

    try:
        return str(client.get_run_status(run_id).value)
    except DagsterGraphQLClientError as error:
        home = Home(load().home)
        if board_of(home) is None:
            raise TickhouseError(DemoCode.DEMO_STACK_GONE, run=run_id, log=home.logs / "up.log") from error
        return "UNKNOWN"


def _why(client: Any, run_id: str) -> str:
    """The innermost message of the first failed step, or Dagster's own word on the run."""
    reason = "no failed step; the run worker is gone"
    run: Mapping[str, Any] = client._execute(FAILED_STEPS, {"id": run_id})["runOrError"]  # noqa: SLF001 - no public query
    for event in run["eventConnection"]["events"]:
        error = event.get("error")
        if error:
            chain = [str(link["message"]).strip() for link in (error, *error["causes"])]
            # Our own error tells the next step; without one the innermost cause tells most.
            return next((text for text in chain if "TickhouseError" in text), chain[-1])
        if event["__typename"] == "RunFailureEvent":
            reason = str(event["message"])
    return reason

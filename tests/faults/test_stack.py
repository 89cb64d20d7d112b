"""kill -9 of each service of a whole stack, at work. Minutes long: it runs where TICKHOUSE_FAULTS=all is set.

    killed             what happens                                                          told by
    -----------------  --------------------------------------------------------------------  --------------------------
    clickhouse, redis  started again on the same port and files                              board, its log, `status`
    sandbox            started again; the market goes on where it was                        board
    mlflow             started again (10 s; 55 s on a loaded machine)                        board
    dagster            started again; a demo that waits for a run goes on waiting            board
    dagster-daemon     started again; queued runs start then                                 board
    dagster-code       started again; its runs are reported failed, and not repeated:        run log, mail
                       Dagster gives that up while the code server is still loading
    a run's worker     the run fails within seconds, another one repeats it                  run log, mail
    the supervisor     every service and run ends with it; `tickhouse up` starts anew, and   `status`: no stack runs
                       what the lost runs left is reported failed

Measured on two loaded cores: redis 1 s, sandbox 4 s, clickhouse 5 s, webserver 10 s, daemon 1 s, code server 37 s; the
run's failure is known after 3 s, its repetition ends after as long as the first one takes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.stack import board, leftovers
from tests.faults.stack import PATIENCE_S, Stack, stack
from tests.support import wait_until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("TICKHOUSE_FAULTS") != "all", reason="minutes long: set TICKHOUSE_FAULTS=all"),
    pytest.mark.xdist_group("whole stack"),
    pytest.mark.timeout(900),
]
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
FIRST = YESTERDAY - timedelta(days=4)
SERVICES = ("redis", "clickhouse", "sandbox", "mlflow", "dagster", "dagster-daemon")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = tmp_path_factory.mktemp("stack")
    with stack(root, TICKHOUSE_VENUE__HISTORY_START=FIRST.isoformat()) as made:
        first = made.launch(["binance/instruments"])
        assert made.ended(first) == "SUCCESS", made.events_of(first)[-5:]
        yield made


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_started_again(running: Stack, name: str) -> None:
    before = running.status(name)
    assert before.pid is not None
    running.kill(name)
    wait_until(lambda: running.back(name, before.pid or 0), PATIENCE_S, what=f"{name} again")
    assert running.status(name).restarts == before.restarts + 1
    assert running.status(name).port == before.port


@pytest.mark.parametrize("victim", ["worker", "dagster-code"])
def test_a_lost_run_is_reported_and_can_be_repeated(running: Stack, victim: str) -> None:
    run = running.launch(["binance/bars_1m"], FIRST.isoformat(), YESTERDAY.isoformat())
    wait_until(lambda: running.status_of(run) == "STARTED" and running.workers(), PATIENCE_S, what="a run at work")
    if victim == "worker":
        for pid in running.workers():
            os.kill(pid, signal.SIGKILL)
    else:
        before = running.status(victim).pid or 0
        running.kill(victim)
        wait_until(lambda: running.back(victim, before), PATIENCE_S, what="the code server again")
    assert running.ended(run) == "FAILURE"
    said = " ".join(str(event.get("message")) for event in running.events_of(run))
    assert "SIGKILL" in said if victim == "worker" else "its process was lost" in said
    if victim == "worker":
        wait_until(lambda: running.retry_of(run), PATIENCE_S, what="the run's repetition")
        repeated = running.retry_of(run)
    else:
        repeated = running.launch(["binance/bars_1m"], FIRST.isoformat(), YESTERDAY.isoformat())
    assert running.ended(repeated) == "SUCCESS"


def test_a_backfill_as_the_ui_launches_it_is_one_run_over_the_range(running: Stack) -> None:
    days = [(FIRST + timedelta(days=number)).isoformat() for number in range(5)]
    launched = running.ask(
        "mutation L($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {"
        " ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
        {"p": {"assetSelection": [{"path": ["binance", "bars_1m"]}], "partitionNames": days}},
    )["launchPartitionBackfill"]
    query = (
        "query B($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {"
        " status runs { id status tags { key value } } } } }"
    )

    def now() -> dict[str, object]:
        answer = running.ask(query, {"id": launched["backfillId"]})
        return dict(answer["partitionBackfillOrError"]) if answer else {"status": ""}

    wait_until(lambda: str(now()["status"]).startswith(("COMPLETED", "FAILED")), PATIENCE_S, what="the backfill")
    done = now()
    assert done["status"] == "COMPLETED_SUCCESS"
    (run,) = done["runs"]  # type: ignore[misc]
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == days[0]
    assert tags["dagster/asset_partition_range_end"] == days[-1]


def test_with_the_supervisor_everything_ends_and_a_new_stack_clears_up(running: Stack) -> None:
    run = running.launch(["binance/bars_1m"], FIRST.isoformat(), YESTERDAY.isoformat())
    wait_until(lambda: running.status_of(run) == "STARTED", PATIENCE_S, what="a run at work")
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not leftovers.find(running.home.root), 30, what="the end of every service and run")
    assert board.read(running.home) is None
    with stack(running.home.root, TICKHOUSE_VENUE__HISTORY_START=FIRST.isoformat()) as again:
        assert again.ended(run) == "FAILURE"

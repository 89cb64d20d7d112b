"""The supervisor, on small real processes: order, restarts, what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from infra.errors import TickhouseError
from infra.home import Home
from infra.stack import background, board, leftovers, lock
from infra.stack.errors import StackCode
from infra.stack.service import State
from tests.support import PROJECT, wait_until

pytestmark = pytest.mark.stack

# Three services: `b` needs `a`, `c` starts a process of its own that survives it. Each writes to one journal of events.
STACK = """
import sys
from dataclasses import replace
from pathlib import Path
from infra.home import Home
from infra.stack import leftovers, probe
from infra.stack.service import ServiceSpec
from infra.stack.supervisor import run_stack
from infra.errors import TickhouseError

home = Home(Path(sys.argv[1]))
script = '''
import os, signal, subprocess, sys, time
name, events = sys.argv[1], sys.argv[2]
def note(what):
    with open(events, "a") as file:
        file.write(f"{name} {what} {os.getpid()}\\\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
if name == "c":
    subprocess.Popen(["sleep", "600"], start_new_session=True)
note("started")
if name == "broken":
    print("this is why")
    sys.exit(3)
while True:
    time.sleep(0.05)
'''
def service(name, *after, **more):
    events = home.root / "events"
    argv = [sys.executable, "-c", script, name, str(events)]
    async def ready():
        return events.exists() and f"{name} started" in events.read_text()
    return ServiceSpec(name, argv, ready=ready, after=after, env=leftovers.mark(home.root), **more)
task = ServiceSpec("task", [sys.executable, "-c", "print('done')"], after=("a",), once=True)
services = [service("a"), task, service("b", "a", "task"), service("c", "a")]
if "broken" in sys.argv:
    services.append(service("broken", "a", once=True))
plans = [services]
if "contested" in sys.argv:
    plans.insert(0, [service("a"), service("unlucky", "a", port=int(sys.argv[-1]))])
if "late" in sys.argv:
    port = int(sys.argv[-1])
    plans.insert(0, [service("a"), replace(service("late"), ready=probe.tcp(port), port=port)])
try:
    run_stack(lambda: plans.pop(0), home, lambda name, text: print(name, text, flush=True))
except TickhouseError as error:
    sys.exit(str(error))
"""


class Stack:
    """A supervisor in a process of its own, on a home folder of its own."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.home = Home(folder)
        self.home.root.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(STACK), str(folder), *extra],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def events(self) -> list[tuple[str, str, int]]:
        file = self.home.root / "events"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(name, what, int(pid)) for name, what, pid in (line.split() for line in lines)]

    def ready(self) -> bool:
        found = board.read(self.home)
        return found is not None and found.is_ready

    def service(self, name: str):
        return next(service for service in board.read(self.home).services if service.name == name)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path / "home")
    wait_until(stack.ready, 30, what="the stack")
    yield stack
    stack.process.kill()
    stack.process.wait()
    leftovers.kill(stack.home.root)


def gone(pids) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_services_start_after_what_they_need_and_stop_before_it(stack, number):
    code, output = stack.end(number)
    assert code == 0, output
    names = [(name, what) for name, what, _ in stack.events()]
    assert names.index(("a", "started")) < names.index(("b", "started"))
    assert names.index(("b", "stopped")) < names.index(("a", "stopped"))
    assert names.index(("c", "stopped")) < names.index(("a", "stopped"))
    assert gone(pid for _, _, pid in stack.events())
    assert board.read(stack.home) is None
    assert lock.holder(stack.home) is None


def test_a_task_is_done_when_it_has_ended_well(stack):
    assert stack.service("task").state is State.DONE
    assert "done" in (stack.home.logs / "task.log").read_text()


def test_a_crashed_service_is_started_again(stack):
    before = stack.service("b").pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: stack.service("b").restarts == 1 and stack.ready(), 20, what="the restart")
    assert stack.service("b").pid != before
    assert stack.service("a").restarts == 0, "others stay as they are"


def test_a_second_stack_in_the_folder_is_refused_by_name(stack):
    second = Stack(stack.home.root)
    output, _ = second.process.communicate(timeout=30)
    assert second.process.returncode == 1
    assert "STACK_RUNNING" in output
    assert f"pid={stack.process.pid}" in output
    assert stack.ready(), "the first one did not notice"
    with pytest.raises(TickhouseError) as caught:
        background.start(stack.home, [], {}, lambda _name, _text: None)
    assert caught.value.code is StackCode.STACK_RUNNING


def test_kill_9_of_the_supervisor_leaves_nothing(stack):
    pids = leftovers.find(stack.home.root)
    assert len(pids) == 4, "three services and the process that one of them started"
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: gone(pids), 10, what="the end of every descendant")
    assert board.read(stack.home) is None, "an old board does not count"


def test_down_stops_a_stack_and_says_what_it_found(stack):
    found = background.stop(stack.home)
    assert found.supervisor == stack.process.pid
    assert leftovers.find(stack.home.root) == []
    stack.process.wait(10)
    assert background.stop(stack.home) == background.Stopped(None, ())


def test_down_clears_up_what_bears_the_mark(tmp_path):
    left = subprocess.Popen(["sleep", "600"], env=os.environ | leftovers.mark(tmp_path), start_new_session=True)
    assert background.stop(Home(tmp_path)).leftovers == (left.pid,)
    assert left.wait(5) == -signal.SIGKILL


def test_a_second_signal_does_not_wait(tmp_path):
    stack = Stack(tmp_path / "home")
    wait_until(stack.ready, 30)
    os.kill(stack.service("a").pid, signal.SIGSTOP)  # it will not hear SIGTERM
    stack.process.send_signal(signal.SIGINT)
    wait_until(lambda: ("b", "stopped") in [event[:2] for event in stack.events()], 10)
    code, _ = stack.end(signal.SIGINT)
    assert code == 0
    assert leftovers.find(stack.home.root) == []


def test_a_service_that_cannot_start_stops_the_stack_and_names_itself(tmp_path):
    stack = Stack(tmp_path / "home", "broken")
    output, _ = stack.process.communicate(timeout=60)
    assert stack.process.returncode == 1
    assert "SERVICE_FAILED service=broken" in output
    assert "exited with 3: this is why" in output
    assert leftovers.find(stack.home.root) == []


def test_a_port_that_is_lost_after_it_was_chosen_makes_another_plan(tmp_path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        stack = Stack(tmp_path / "home", "contested", str(held.getsockname()[1]))
        wait_until(stack.ready, 30, what="the second plan")
    assert {service.name for service in board.read(stack.home).services} == {"a", "b", "c", "task"}
    code, output = stack.end()
    assert code == 0
    assert "PORT_LOST" in output


def test_an_answer_of_somebody_else_is_not_ours(tmp_path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # not listening yet: nobody answers when the service is started
        stack = Stack(tmp_path / "home", "late", str(held.getsockname()[1]))
        wait_until(lambda: ("late", "started") in [event[:2] for event in stack.events()], 30)
        held.listen()
        wait_until(lambda: "c" in {service.name for service in getattr(board.read(stack.home), "services", ())}, 30)
    code, output = stack.end()
    assert code == 0
    assert "late ready" not in output
    assert "PORT_LOST" in output


def test_the_board_is_whole_json_at_any_time(stack):
    content = json.loads(board.board_file(stack.home).read_text())
    assert {service["name"] for service in content["services"]} == {"a", "b", "c", "task"}

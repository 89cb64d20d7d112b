"""The processes beside the flow: one that an earlier flow left behind may end while the next flow starts."""

import textwrap

import pytest

from infra.errors import TickhouseError
from infra.home import Home
from streaming.processes import Side, Supervisor, listens
from tests.support import wait_until

# Listens, and notes each of its starts; the first `early` starts end at once.
SCRIPT = """
import pathlib, socket, sys
path, notes, early = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
with notes.open("a") as file:
    file.write("x")
if len(notes.read_text()) <= early:
    sys.exit("not yet")
pathlib.Path(path).unlink(missing_ok=True)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen()
while True:
    listener.accept()
"""


@pytest.fixture
def supervise(tmp_path, monkeypatch):
    (tmp_path / "side_for_tests.py").write_text(textwrap.dedent(SCRIPT))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = []

    def make(early):
        arguments = (str(tmp_path / "s"), str(tmp_path / "notes"), str(early))
        side = Side("side", "side_for_tests", tmp_path / "s", arguments=arguments)
        made.append(Supervisor(Home(tmp_path), (side,), patience_s=20))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


def test_one_that_finds_its_predecessor_ending_is_tried_again(supervise, tmp_path):
    supervise(2).start()
    assert (tmp_path / "notes").read_text() == "xxx"
    assert listens(tmp_path / "s")


def test_one_that_never_comes_up_is_named_with_its_log(supervise, tmp_path):
    with pytest.raises(TickhouseError, match=r"PROCESS_FAILED name=side log=.*side\.log"):
        supervise(9).start()
    assert (tmp_path / "notes").read_text() == "xxx"


def test_one_that_was_adopted_and_ends_is_replaced(supervise, tmp_path):
    first, second = supervise(0), supervise(0)
    first.start()
    second.start()
    assert (tmp_path / "notes").read_text() == "x", "adopted, not started"
    first.stop()
    second.watch(1)
    wait_until(lambda: listens(tmp_path / "s"))
    assert second.restarts == 1

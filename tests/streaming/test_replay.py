"""A replay comes to the same records, and says where it does not."""

import json
import random

import pytest

from execution.messages import encode
from infra.errors import TickhouseError
from streaming import replay as module
from streaming.errors import StreamCode
from streaming.input_log import Entry, Input, read
from streaming.replay import replay, session_folder
from tests.streaming.kit import Gateway, Rig, Wish


@pytest.fixture
def wishes(monkeypatch):
    """The replay's strategies ask for what the session's did, in the same order."""
    class Scripted(Wish):
        def decide(self, view):
            if view.ts in plan and view.instrument == plan[view.ts][0]:
                self.next[view.instrument] = plan[view.ts][1]
            return super().decide(view)

    plan: dict[int, tuple[int, float]] = {}
    monkeypatch.setattr("signals.strategies.registry.STRATEGIES", {"momentum": Scripted})
    return plan


def session(rig: Rig, plan, seed: int, steps: int = 120) -> None:
    """Trading of all kinds: turns, stale quotes, halts, stores and gateway that come and go."""
    rng = random.Random(seed)
    rig.open()
    for _ in range(steps):
        kind = rng.random()
        instrument = rng.choice([1, 2])
        if kind < 0.4:
            units = rng.choice([-0.5, -0.1, 0.0, 0.1, 0.5])
            rig.clock += 1_000_000
            plan[rig.clock // 10**6 * 10**6] = (instrument, units)
            rig.strategy.next[instrument] = units
            rig.frames(rig.trade_frame(instrument, f"{100 + rng.randrange(-5, 5) / 100:.2f}"))
        elif kind < 0.7:
            rig.quote(instrument)
        elif kind < 0.85:
            rig.timer(ms=rng.choice([100, 1500]))
        elif kind < 0.9:
            rig.health(up=rng.random() < 0.7)
        elif kind < 0.94:
            rig.control(kind=rng.choice(["halt", "resume", "resume"]), reason="test", id=1)
        elif kind < 0.97:
            rig.link(up=False)
            rig.link()
        else:
            rig.feed(up=False)
            rig.feed()
    rig.control(kind="resume")


@pytest.mark.parametrize("seed", range(4))
def test_a_session_comes_out_again_byte_for_byte(make_rig, wishes, seed):
    plan = wishes
    rig = make_rig(gateway=Gateway(hold=seed == 3))
    session(rig, plan, seed)
    rig.end()
    verdict, ids = replay(rig.log.folder, rig.home)
    assert verdict.identical, verdict
    assert verdict.ended_in_order
    assert ids == [order_id for batch in rig.batches for order_id in batch.order_ids]
    assert ids
    assert verdict.feature_digest == rig.batches[-1].digest


def test_a_second_session_goes_on_from_the_journal_of_the_first(make_rig, wishes):
    plan = wishes
    first = make_rig()
    session(first, plan, 1)
    first.end()
    second = make_rig(session="s2", gateway=first.gateway, clock=first.clock + 10**9)
    session(second, plan, 2)
    second.end()
    for rig in (first, second):
        verdict, ids = replay(rig.log.folder, rig.home)
        assert verdict.identical, verdict
        assert ids
    assert len(set(first.oms.orders)) < len(second.oms.orders)


def test_a_killed_session_replays_up_to_the_kill(make_rig, wishes):
    plan = wishes
    rig = make_rig()
    session(rig, plan, 5)
    rig.close()
    verdict, _ = replay(rig.log.folder, rig.home)
    assert verdict.identical
    assert not verdict.ended_in_order
    # The kill came after the input log's write and before the journal's: the replay knows one record more.
    file = next(rig.home.journal(rig.start.account).glob("*.journal"))
    file.write_bytes(file.read_bytes()[:-7])
    assert replay(rig.log.folder, rig.home)[0].identical


def test_another_decision_is_found(make_rig, wishes):
    plan = wishes
    rig = make_rig()
    session(rig, plan, 6)
    rig.end()
    at = next(ts for ts, (_, units) in plan.items() if units)
    plan[at] = (plan[at][0], -plan[at][1])
    verdict, _ = replay(rig.log.folder, rig.home)
    assert not verdict.identical
    assert verdict.first_difference > rig.start.journal_seq


def test_a_folder_without_a_start_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TickhouseError) as caught:
        replay(tmp_path / "empty", module.Home(tmp_path))
    assert caught.value.code is StreamCode.INPUT_LOG_BROKEN


def test_a_session_is_found_by_name_by_folder_or_as_the_last(make_rig):
    rig = make_rig(session="s1")
    home, folder = rig.home, rig.log.folder
    assert session_folder(home, "s1") == session_folder(home, str(folder)) == session_folder(home, "") == folder
    with pytest.raises(TickhouseError) as caught:
        session_folder(home, "s9")
    assert caught.value.code is StreamCode.INPUT_LOG_BROKEN


def test_the_log_alone_names_everything_a_replay_needs(make_rig):
    rig = make_rig()
    first = next(read(rig.log.folder))
    assert first.inputs[0].kind == Entry.START
    start = json.loads(first.inputs[0].body)
    assert {"limits", "instruments", "rules", "model", "journal_seq", "halted", "strategies"} <= start.keys()
    assert isinstance(first.inputs[0], Input)
    assert encode(rig.lives[0].id)

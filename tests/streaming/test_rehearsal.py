"""Practice decides again and again, keeps nothing, and leaves the live shard as it was."""

from streaming.rehearsal import Rehearsal

SECOND = 1_000_000_000


def test_practice_makes_orders_and_leaves_the_live_shard_alone(rig):
    before = (dict(rig.oms.orders), rig.oms.journal_seq, rig.oms.position(1), rig.batches[-1].digest)
    rehearsal = Rehearsal(rig.start, rig.engine)
    made, most = [], 0
    for turn in range(400):
        rehearsal(turn * SECOND)
        if rehearsal._turn == 3:
            made.append(len(rehearsal._batches[0].order_ids))
        most = max(most, len(rehearsal._oms.orders))
    assert sum(made) > 90, "an order a round, once the volatility is known"
    assert most <= 2, "ended orders are forgotten"
    assert (dict(rig.oms.orders), rig.oms.journal_seq, rig.oms.position(1), rig.timer().digest) == before


def test_practice_keeps_its_pace(rig):
    rehearsal = Rehearsal(rig.start, rig.engine)
    rehearsal(SECOND)
    turn = rehearsal._turn
    rehearsal(SECOND + 1)
    assert rehearsal._turn == turn, "the next turn comes after a pause"

"""The trade step between strategies and gateway: what goes out, what never does."""

import json

import pytest

from ledger.order import OrderState
from market.events import Side
from streaming.input_log import Entry, Input
from tests.streaming.kit import ACCOUNT, Gateway

LONG = 0.5


def test_a_wish_becomes_an_order_a_fill_and_a_position(rig):
    rig.want(1, LONG)
    assert rig.gateway.intents
    first = rig.gateway.intents[0]
    assert (first.side, first.account, first.strategy) == (Side.BUY, ACCOUNT, "momentum")
    assert rig.oms.position(1) == sum(intent.qty for intent in rig.gateway.intents) > 0
    assert rig.oms.orders[first.order_id].state is OrderState.FILLED


def test_large_positions_are_built_in_slices_below_the_order_limit(rig):
    rig.want(1, 1.0)
    for _ in range(10):
        rig.quote(1)
    assert len(rig.gateway.intents) > 1
    assert all(intent.qty * intent.price <= 5000 * 10**5 for intent in rig.gateway.intents)


def test_turning_round_reduces_first(rig):
    rig.want(1, LONG)
    for _ in range(5):
        rig.quote(1)
    bought = len(rig.gateway.intents)
    rig.want(1, -LONG)
    for _ in range(8):
        rig.quote(1)
    sold = rig.gateway.intents[bought:]
    assert sold, rig.codes
    assert all(intent.side is Side.SELL for intent in sold)
    assert sold[0].reduce_only
    assert rig.oms.position(1) < 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rig: rig.feed(up=False),
        lambda rig: rig.frames(b'{"e":"depthUpdate","E":1,"T":1,"s":"B0USDT","U":90,"u":99,"pu":89,"b":[],"a":[]}'),
        lambda rig: rig.timer(ms=3_000),
        lambda rig: rig.frames(rig.trade_frame(1, number=50)),
        lambda rig: rig.health(up=False),
        lambda rig: rig.link(up=False),
        lambda rig: rig.control(kind="halt", reason="test"),
        lambda rig: rig.control(kind="stop", reason="test"),
    ],
    ids=["feed down", "unproved book", "stale quote", "missing trades", "stores away", "no gateway", "halted", "stop"],
)
def test_nothing_new_is_risked_while_something_is_wrong(rig, spoil):
    spoil(rig)
    before = len(rig.gateway.intents)
    rig.want(1, LONG)
    assert len(rig.gateway.intents) == before


def test_a_refused_order_is_told_and_not_tried_at_every_tick(rig):
    rig.timer(ms=3_000)  # the quotes are stale now
    for _ in range(20):
        rig.want(1, LONG)
    denied = [code for code in rig.codes if code == "ORDER_QUOTE_STALE"]
    assert len(denied) == 1
    assert rig.gateway.intents == []


def test_reducing_goes_on_while_the_stores_are_away_and_new_risk_resumes_by_itself(rig):
    rig.want(1, LONG)
    held = rig.oms.position(1)
    rig.health(up=False)
    rig.want(1, 1.0)
    rig.quote(1)
    assert rig.oms.position(1) == held
    rig.want(1, 0.1)
    assert 0 < rig.oms.position(1) < held
    rig.want(1, LONG)
    reduced = rig.oms.position(1)
    rig.quote(1)
    assert rig.oms.position(1) == reduced
    rig.health()
    rig.timer()
    rig.quote(1)
    rig.quote(1)
    assert rig.oms.position(1) > reduced
    assert [code for code in rig.codes if code.startswith("STORES")] == [
        "STORES_BACK", "STORES_UNREACHABLE", "STORES_BACK",
    ]  # fmt: skip


def test_a_halt_cancels_what_works_and_answers(make_rig):
    rig = make_rig(gateway=Gateway(hold=True)).open()
    rig.want(1, LONG)
    assert rig.oms.open_count() == 1
    batch = rig.control(kind="halt", reason="storm", id=7)
    assert json.loads(batch.replies[0]) == {"id": 7, "halted": "storm", "cancels": 1}
    assert [cancel.code for cancel in rig.gateway.cancels] == ["HALTED"]
    assert rig.oms.open_count() == 0
    assert json.loads(rig.control(kind="resume", id=8).replies[0])["halted"] is None
    rig.timer()
    rig.timer()
    rig.quote(1)
    assert len(rig.gateway.intents) == 2


def test_a_halt_that_stood_at_the_start_holds(make_rig):
    rig = make_rig(halted="yesterday").open()
    rig.want(1, LONG)
    assert rig.gateway.intents == []
    rig.control(kind="resume")
    rig.quote(1)
    assert rig.gateway.intents


def test_the_loss_stop_flattens(rig):
    rig.want(1, LONG)
    for _ in range(6):
        rig.quote(1)
    assert rig.oms.position(1) > 0
    rig.quote(1, "79.99", "80.01")
    rig.timer()
    for _ in range(6):
        rig.quote(1, "79.99", "80.01")
    assert rig.oms.position(1) == 0
    assert "LOSS_STOP" in rig.codes


def test_a_gap_in_the_gateways_reports_asks_for_a_new_connection(rig):
    rig.gateway.number += 1
    missing = rig.gateway.report(rig_event(rig))
    batch = rig.run(Input(Entry.GATEWAY, rig.clock, missing))
    assert batch.reconnect
    assert not rig.oms.ready


def rig_event(rig):
    from ledger.order import OrderEvent, OrderEventKind

    return OrderEvent(OrderEventKind.ACCEPTED, "t0", rig.clock)


def test_tighter_limits_take_effect_at_once(rig):
    rig.want(1, 1.0)
    for _ in range(6):
        rig.quote(1)
    held = rig.oms.position(1)
    limits = json.loads(json.dumps(rig.start.limits))
    limits["instrument"] = {"default": limits["instrument"]["default"] | {"max_position": "1000 USDT"}}
    rig.control(kind="limits", limits=limits)
    rig.timer()
    for _ in range(4):
        rig.quote(1)
    assert 0 < rig.oms.position(1) * 100 <= 1000 * 1000 < held * 100
    assert "LIMITS_LOADED" in rig.codes


def test_what_died_with_the_flow_is_resolved_and_never_sent_twice(make_rig):
    rig = make_rig(gateway=Gateway(hold=True)).open()
    gateway, take = rig.gateway, rig.gateway.take
    gateway.take = lambda _intent: []  # the order leaves and never arrives
    rig.want(1, LONG)
    rig.close()
    gateway.take = take
    again = make_rig(session="s2", gateway=gateway, clock=rig.clock + 1_000_000_000)
    assert again.oms.open_count() == 1
    again.open()
    assert len(gateway.intents) == 1, "young enough: sent for the first time"
    again.close()
    late = make_rig(session="s3", gateway=gateway, clock=again.clock + 60 * 10**9).open()
    assert len(gateway.intents) == 1
    assert late.oms.open_count() == 1


@pytest.mark.parametrize("age_s", [10])
def test_an_order_too_old_is_never_sent(make_rig, age_s):
    rig = make_rig().open()
    take = rig.gateway.take
    rig.gateway.take = lambda _intent: []
    rig.want(1, LONG)
    rig.close()
    rig.gateway.take = take
    again = make_rig(session="s2", gateway=rig.gateway, clock=rig.clock + age_s * 10**9).open()
    assert rig.gateway.intents == []
    assert again.oms.open_count() == 0

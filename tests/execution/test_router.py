from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from execution.journal import MemorySink
from execution.messages import Standing, encode
from execution.oms import Oms
from execution.router import Plan, Router, Style, Wanted
from ledger.book import Fill
from ledger.intent import Share, TimeInForce
from ledger.order import OrderEvent, OrderEventKind
from market.events import Side
from tests.execution.kit import BTC, ETH, RULES

BID, ASK = 999_990, 1_000_010
ROUTER = Router("main", "main")


def oms(position: int = 0, shares: tuple[Share, ...] = ()) -> Oms:
    made = Oms("main", [BTC, ETH], MemorySink())
    if position:
        side = Side.BUY if position > 0 else Side.SELL
        made.ledger.fill(Fill(1, side, 1, abs(position), 0, "USDT", shares or (Share("momentum", position),)))
    made.on_message(encode(Standing(0, 0, True, "", [(1, position)] if position else [], [])), 0)
    return made


def wanted(qty: int, **shares: float) -> Wanted:
    return Wanted(1, qty, tuple((shares or {"momentum": 1.0}).items()), "signal")


def plan(state: Oms, goal: Wanted, router: Router = ROUTER, rules=RULES) -> Plan:
    return router.plan(state, goal, rules, BID, ASK, 77, 5)


def test_a_new_position_is_one_order_within_the_collar() -> None:
    (made,) = plan(oms(), wanted(10)).intents
    assert (made.side, made.qty, made.tif, made.reduce_only) == (Side.BUY, 10, TimeInForce.IOC, False)
    assert made.price == ASK + ASK // 1000
    assert (made.strategy, made.ts_decision, made.decision_seq, made.cause) == ("momentum", 77, 5, "signal")
    (made,) = plan(oms(), wanted(-10)).intents
    assert (made.side, made.price) == (Side.SELL, BID - BID // 1000)


def test_resting_style_joins_the_near_side_post_only() -> None:
    (made,) = plan(oms(), wanted(10), replace(ROUTER, style=Style.JOIN)).intents
    assert (made.price, made.tif, made.post_only) == (BID, TimeInForce.GTC, True)


def test_nothing_to_do_gives_nothing() -> None:
    assert plan(oms(10), wanted(10)) == Plan()
    assert ROUTER.plan(oms(), wanted(10), RULES, 0, 0, 77, 5) == Plan(), "no price, no order"


def test_reducing_is_marked_and_a_turn_is_two_orders() -> None:
    (made,) = plan(oms(10), wanted(4)).intents
    assert (made.side, made.qty, made.reduce_only) == (Side.SELL, 6, True)
    close, opened = plan(oms(10), wanted(-5)).intents
    assert (close.qty, close.reduce_only, close.child) == (10, True, 0)
    assert (opened.qty, opened.reduce_only, opened.child) == (5, False, 1)
    assert close.order_id != opened.order_id


def test_one_thing_at_a_time() -> None:
    state = oms()
    (first,) = plan(state, wanted(10), replace(ROUTER, style=Style.JOIN)).intents
    state.submit(first)
    assert plan(state, wanted(10)) == Plan(), "it leads there"
    assert plan(state, wanted(4)) == Plan(), "it does not, but nobody knows where it is yet"
    for kind in (OrderEventKind.SUBMITTED, OrderEventKind.ACCEPTED):
        state.replay(OrderEvent(kind, first.order_id, 78))
    assert plan(state, wanted(4)) == Plan(cancels=(first.order_id,))


def test_the_venue_s_rules() -> None:
    rules = replace(RULES, lot=4, min_qty=4, max_qty=9, min_notional=1_000_000 * 6, tick=100)
    (made,) = plan(oms(), wanted(11), rules=rules).intents
    assert (made.qty, made.price % 100) == (8, 0)
    assert plan(oms(), wanted(3), rules=rules) == Plan()
    assert plan(oms(), wanted(5), rules=rules) == Plan(), "4 are worth less than the smallest notional"
    (made,) = plan(oms(4), wanted(0), rules=rules).intents
    assert made.reduce_only, "dust can always be closed"


def test_strategies_keep_their_shares_through_netting() -> None:
    state = oms(10, (Share("ml", 13), Share("momentum", -3)))
    (made,) = plan(state, wanted(4, ml=0.3, momentum=0.1)).intents
    assert {share.strategy: share.qty for share in made.shares} == {"ml": -10, "momentum": 4}


def test_a_quantity_that_nobody_claims_is_nobody_s() -> None:
    (made,) = plan(oms(10), wanted(0, ml=0.0)).intents
    assert (made.strategy, made.qty) == ("momentum", 10)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(-20, 20)), max_size=3, unique_by=lambda r: r[0]),
    st.integers(-30, 30), st.dictionaries(st.sampled_from("abc"), st.floats(-1, 1), max_size=3),
)
def test_filling_every_order_of_a_plan_leads_to_the_wanted_position(
    held: list[tuple[str, int]], goal: int, shares: dict[str, float]
) -> None:
    shares_held = tuple(Share(name, qty) for name, qty in held if qty)
    position = sum(share.qty for share in shares_held)
    state = oms(position, shares_held) if position else oms()
    made = plan(state, Wanted(1, goal, tuple(shares.items())))
    for one in made.intents:
        state.submit(one)
        state.replay(OrderEvent(OrderEventKind.SUBMITTED, one.order_id, 78))
        state.replay(OrderEvent(OrderEventKind.FILL, one.order_id, 78, trade_id=one.order_id, price=1, qty=one.qty))
    assert state.position(1) == goal
    state.ledger.check()
    reducing = [one for one in made.intents if one.reduce_only]
    assert all(one.sign * position < 0 and one.qty <= abs(position) for one in reducing)

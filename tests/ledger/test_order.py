from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from ledger.errors import LedgerCode
from ledger.intent import Intent, OrderType, TimeInForce
from ledger.order import (
    CLOSED,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    new_order,
    transition,
)
from market.events import Side

S, K = OrderState, OrderEventKind


def order(*kinds: K, qty: int = 10) -> Order:
    made = new_order(Intent(
        "t1", "main", "main", 1, "momentum", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, 100, qty, False, False, 0, 0,
        1, 0,
    ))
    for kind in kinds:
        made.apply(event(kind))
    return made


def event(kind: K, qty: int = 4, **more: object) -> OrderEvent:
    return OrderEvent(kind, "t1", 1, qty=qty if kind == K.FILL else 0, price=100 if kind == K.FILL else 0, **more)


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("kind", list(K))
def test_every_pair_is_legal_or_an_explicit_error(state: S, kind: K) -> None:
    if kind in TRANSITIONS[state]:
        after = transition(state, kind)
        assert after is None or isinstance(after, S)
    else:
        with pytest.raises(TickhouseError) as caught:
            transition(state, kind)
        assert caught.value.code is LedgerCode.ORDER_TRANSITION_ILLEGAL
        assert caught.value.context == {"state": state.name, "event": kind.name}


def test_the_usual_life() -> None:
    assert order(K.RELEASED, K.SUBMITTED, K.ACCEPTED).state == S.ACCEPTED
    assert order(K.RELEASED, K.SUBMITTED, K.ACCEPTED, K.FILL).state == S.PARTIALLY_FILLED
    assert order(K.RELEASED, K.SUBMITTED, K.ACCEPTED, K.FILL, K.FILL, K.FILL).state == S.FILLED


def test_a_pending_cancel_lies_over_the_state_beneath() -> None:
    made = order(K.RELEASED, K.PENDING_CANCEL)
    for kind in (K.SUBMITTED, K.ACCEPTED):
        made.apply(event(kind))
        assert made.state == S.PENDING_CANCEL
    made.apply(event(K.FILL))
    assert (made.state, made.leaves) == (S.PENDING_CANCEL, 6)
    made.apply(event(K.CANCEL_REJECTED))
    assert made.state == S.PARTIALLY_FILLED


def test_a_cancel_over_an_update_waits_for_its_own_answer() -> None:
    made = order(K.RELEASED, K.SUBMITTED, K.ACCEPTED, K.PENDING_UPDATE, K.PENDING_CANCEL)
    made.apply(OrderEvent(K.UPDATED, "t1", 1, price=101, qty=8))
    assert (made.state, made.price, made.qty) == (S.PENDING_CANCEL, 101, 8)
    made.apply(event(K.CANCEL_REJECTED))
    assert made.state == S.ACCEPTED


def test_an_update_answered_brings_back_the_state_beneath() -> None:
    for answer in (K.UPDATED, K.UPDATE_REJECTED):
        made = order(K.RELEASED, K.SUBMITTED, K.ACCEPTED, K.PENDING_UPDATE)
        made.apply(event(answer))
        assert made.state == S.ACCEPTED


def test_news_that_does_not_fit_the_state_beneath_is_an_error_and_changes_nothing() -> None:
    made = order(K.RELEASED, K.SUBMITTED, K.ACCEPTED, K.PENDING_CANCEL)
    with pytest.raises(TickhouseError):
        made.apply(event(K.ACCEPTED, venue_order_id="77"))
    assert (made.state, made.beneath, made.venue_order_id) == (S.PENDING_CANCEL, S.ACCEPTED, "")


@pytest.mark.parametrize(
    ("end", "alert"),
    [
        (K.CANCELLED, None),
        (K.EXPIRED, LedgerCode.ORDER_FILL_AFTER_END),
        (K.REJECTED, LedgerCode.ORDER_FILL_AFTER_END),
    ],
)
def test_a_fill_after_the_end_is_taken(end: K, alert: LedgerCode | None) -> None:
    made = order(K.RELEASED, K.SUBMITTED, K.ACCEPTED, end)
    before = made.state
    assert made.apply(event(K.FILL)) is alert
    assert (made.state, made.filled, made.leaves) == (before, 4, 0)
    made.apply(event(K.FILL, 6))
    assert made.state == S.FILLED


def test_an_overfill_is_taken_with_an_alert() -> None:
    made = order(K.RELEASED, K.SUBMITTED)
    assert made.apply(event(K.FILL, 11)) is LedgerCode.ORDER_OVERFILLED
    assert (made.state, made.filled, made.leaves) == (S.FILLED, 11, 0)


@given(st.lists(st.tuples(st.sampled_from(list(K)), st.integers(1, 12)), max_size=30))
def test_whatever_happens_the_books_of_an_order_stay_right(steps: list[tuple[K, int]]) -> None:
    made, filled = order(), 0
    for kind, qty in steps:
        was_closed = made.state in CLOSED
        try:
            made.apply(event(kind, qty))
        except TickhouseError:
            continue
        filled += qty if kind == K.FILL else 0
        assert made.filled == filled
        assert made.value == filled * 100
        assert made.leaves == (max(made.qty - filled, 0) if made.is_open else 0)
        assert not (was_closed and made.is_open), "what has ended never opens again"
        assert (made.state == S.FILLED) == (filled >= made.qty) or made.qty == 0

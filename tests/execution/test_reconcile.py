"""A test for each branch of each rule."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from execution import reconcile
from execution.errors import ExecutionCode
from execution.reconcile import NotFound, Seen, Unreachable, VenueFill, VenueStatus
from ledger.intent import TimeInForce
from ledger.order import Liquidity, Order, OrderEvent, OrderEventKind, OrderState, new_order
from market.events import Side
from tests.execution.kit import intent

K = OrderEventKind


def order(*kinds: K, filled: int = 0, tif: TimeInForce = TimeInForce.GTC) -> Order:
    made = new_order(intent(1, tif=tif, now=1))
    for kind in kinds:
        made.apply(OrderEvent(kind, made.intent.order_id, 1, code="WISH" if kind == K.PENDING_CANCEL else ""))
    if filled:
        made.apply(OrderEvent(K.FILL, made.intent.order_id, 1, trade_id="0", price=1, qty=filled))
    return made


def fill(trade: str, qty: int, ts: int = 5, venue_order: str = "v1") -> VenueFill:
    return VenueFill(trade, 1, Side.BUY, 100, qty, 1, "USDT", Liquidity.TAKER, ts, venue_order)


def seen(status: VenueStatus, filled: int = 0, fills: tuple[VenueFill, ...] = ()) -> Seen:
    return Seen("v1", status, filled, 7, fills)


def events(
    made: Order, sighting: reconcile.Sighting, known: frozenset[str] = frozenset(), now: int = 100, until: int = 50
) -> list[tuple[K, int, str]]:
    found = reconcile.order_events(
        made, sighting, lambda _instrument, trade: trade in known, now_ns=now, arrives_until_ns=until
    )
    return [(event.kind, event.qty, event.code) for event in found]


SUBMITTED = (K.RELEASED, K.SUBMITTED)
ACCEPTED = (*SUBMITTED, K.ACCEPTED)


@pytest.mark.parametrize("made", [order(*SUBMITTED), order(*ACCEPTED), order(*ACCEPTED, filled=3)])
def test_silence_says_nothing(made: Order) -> None:
    assert events(made, Unreachable("timeout")) == []
    assert not reconcile.settled(made, Unreachable("timeout"), [])


def test_not_found_before_the_request_can_no_longer_arrive_says_nothing() -> None:
    assert events(order(*SUBMITTED), NotFound(), now=50) == []


def test_not_found_after_that_proves_that_it_never_arrived() -> None:
    assert events(order(*SUBMITTED), NotFound()) == [(K.REJECTED, 0, "NEVER_ARRIVED")]
    assert events(order(*SUBMITTED, K.PENDING_CANCEL), NotFound()) == [(K.REJECTED, 0, "NEVER_ARRIVED")]


@pytest.mark.parametrize(
    "made", [order(*ACCEPTED), order(*ACCEPTED, filled=2), order(*SUBMITTED, filled=2), order(*ACCEPTED, K.CANCELLED)]
)
def test_not_found_of_an_order_once_seen_proves_nothing(made: Order) -> None:
    assert events(made, NotFound()) == []


def test_seen_open_is_accepted_once() -> None:
    assert events(order(*SUBMITTED), seen(VenueStatus.OPEN)) == [(K.ACCEPTED, 0, "")]
    assert events(order(*ACCEPTED), seen(VenueStatus.OPEN)) == []


def test_fills_come_oldest_first_and_once() -> None:
    fills = (fill("2", 3, 9), fill("1", 2, 8), fill("2", 3, 9))
    sighting = seen(VenueStatus.OPEN, 5, fills)
    assert events(order(*ACCEPTED), sighting) == [(K.FILL, 2, ""), (K.FILL, 3, "")]
    assert events(order(*ACCEPTED, filled=2), sighting, frozenset({"1"})) == [(K.FILL, 3, "")]


def test_an_order_ends_only_when_its_fills_are_complete() -> None:
    cancelled = seen(VenueStatus.CANCELLED, 5, (fill("1", 2),))
    made = order(*ACCEPTED)
    assert events(made, cancelled) == [(K.FILL, 2, "")]
    assert not reconcile.settled(made, cancelled, [])
    whole = seen(VenueStatus.CANCELLED, 5, (fill("1", 2), fill("2", 3)))
    assert [kind for kind, *_ in events(made, whole)] == [K.FILL, K.FILL, K.CANCELLED]


def test_why_it_ended() -> None:
    assert events(order(*ACCEPTED, K.PENDING_CANCEL), seen(VenueStatus.CANCELLED)) == [(K.CANCELLED, 0, "WISH")]
    assert events(order(*ACCEPTED), seen(VenueStatus.CANCELLED)) == [(K.CANCELLED, 0, "")]
    expired = events(order(*ACCEPTED, tif=TimeInForce.IOC), seen(VenueStatus.EXPIRED))
    assert expired == [(K.EXPIRED, 0, ExecutionCode.NOTHING_TO_TRADE.name)]
    assert events(order(*SUBMITTED), seen(VenueStatus.REJECTED)) == [(K.REJECTED, 0, "VENUE_REJECTED")]


def test_an_order_that_has_ended_ends_no_more() -> None:
    assert events(order(*ACCEPTED, K.CANCELLED), seen(VenueStatus.CANCELLED)) == []
    late = seen(VenueStatus.CANCELLED, 2, (fill("1", 2),))
    assert events(order(*ACCEPTED, K.CANCELLED), late) == [(K.FILL, 2, "")]


def test_an_old_sighting_changes_nothing_and_is_settled() -> None:
    made = order(*ACCEPTED, filled=4)
    old = seen(VenueStatus.OPEN, 1)
    assert events(made, old) == []
    assert reconcile.settled(made, old, [])


def test_foreign_fills_are_those_of_unknown_orders() -> None:
    fills = [fill("1", 2), fill("2", 3, venue_order="v2"), fill("3", 1, venue_order="v2")]
    found = reconcile.foreign_fills(fills, {(1, "v1")}, lambda _instrument, trade: trade == "3")
    (event,) = found
    assert (event.order_id, event.trade_id, event.qty, event.side) == ("venue-v2", "2", 3, Side.BUY)


def test_an_opening_position_is_one_external_fill() -> None:
    event = reconcile.opening_event(1, -4, 99, 5)
    assert (event.kind, event.side, event.qty, event.price, event.instrument) == (K.FILL, Side.SELL, 4, 99, 1)


def test_positions_differ_where_either_side_has_more() -> None:
    assert reconcile.position_differences({1: 5, 2: 3}, {1: 5, 2: 4, 3: -1, 4: 0}) == [(2, 3, 4), (3, 0, -1)]


statuses = st.sampled_from(list(VenueStatus))


@example([(VenueStatus.CANCELLED, [(1, 1), (2, 3), (3, 3), (4, 3)])])
@given(
    st.lists(st.tuples(statuses, st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=4)), max_size=8)
)
def test_whatever_is_sighted_applies_cleanly_and_the_same_sighting_twice_gives_events_once(
    sightings: list[tuple[VenueStatus, list[tuple[int, int]]]]
) -> None:
    made, known = order(*SUBMITTED), set()
    sizes: dict[str, int] = {}
    for status, rows in sightings:
        fills = tuple(fill(str(trade), sizes.setdefault(str(trade), qty), trade) for trade, qty in rows)
        total = made.filled + sum({f.trade_id: f.qty for f in fills if f.trade_id not in known}.values())
        sighting = seen(status, total, fills)
        for turn in range(2):
            found = reconcile.order_events(
                made, sighting, lambda _i, trade: trade in known, now_ns=1, arrives_until_ns=0
            )
            assert not (turn and found)
            for event in found:
                made.apply(event)   # an illegal transition would raise
                known.add(event.trade_id)
        assert reconcile.settled(made, sighting, [])
        if status in (VenueStatus.CANCELLED, VenueStatus.EXPIRED, VenueStatus.REJECTED):
            assert not made.is_open
    assert made.state != OrderState.RELEASED

"""The order state machine."""

from __future__ import annotations

from cli.reference.markdown import page, table
from ledger.order import CLOSED, IN_FLIGHT, TRANSITIONS, OrderEventKind, OrderState


def text() -> str:
    """A row a state, a column a kind of event: the state after it."""
    kinds = [kind for kind in OrderEventKind if any(kind in row for row in TRANSITIONS.values())]
    rows = [[f"**{state.name}**", _nature(state), *(_after(state, kind) for kind in kinds)] for state in OrderState]
    return page(
        "Order states",
        "An empty cell is an error, `ORDER_TRANSITION_ILLEGAL`, that leaves the order as it was; `stays` is news that "
        "changes no state. FILL names the state after a part; the fill that completes an order leads to FILLED. A "
        "pending cancel or update lies over the state beneath, which a refusal brings back.",
        table(("state", "", *(kind.name for kind in kinds)), rows),
    )


def _nature(state: OrderState) -> str:
    return "closed" if state in CLOSED else "in flight" if state in IN_FLIGHT else "open"


def _after(state: OrderState, kind: OrderEventKind) -> str:
    row = TRANSITIONS[state]
    if kind not in row:
        return ""
    after = row[kind]
    return "stays" if after is None else after.name

"""What can go wrong with orders, positions and cash."""

from __future__ import annotations

from infra.errors import ErrorCode


class LedgerCode(ErrorCode):
    """Errors and alerts of the ledger."""

    ORDER_UNKNOWN = "no order of this id is known", "look it up in the journal and at the venue"
    ORDER_ID_USED = "an order of this id exists already", "number decisions afresh: ids are hashes of them"
    ORDER_TRANSITION_ILLEGAL = (
        "this event cannot follow the order's state; it was recorded and left out",
        "compare the journal with the venue's own record of the order",
    )
    ORDER_FILL_AFTER_END = (
        "a fill came for an order that had ended; it was booked, because the exposure is real",
        "check the position against the venue",
    )
    ORDER_OVERFILLED = (
        "more was filled than ordered; it was booked, because the exposure is real",
        "check the position against the venue",
    )
    LEDGER_INSTRUMENT_UNKNOWN = "the ledger has no instrument of this id", "load the instruments before the journal"
    LEDGER_SCALE_TOO_FINE = (
        "price, quantity and contract size multiply to more than 18 decimals",
        "give the instrument a coarser scale",
    )
    LEDGER_SHARES_WRONG = "the strategies' shares do not add up to the order", "correct the netting"
    LEDGER_BROKEN = "an invariant of the ledger does not hold", "stop trading and rebuild it from the journal"

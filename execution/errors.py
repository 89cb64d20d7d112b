"""What can go wrong between a decision and a venue."""

from __future__ import annotations

from infra.errors import ErrorCode


class ExecutionCode(ErrorCode):
    """Errors, refusals and denials of execution."""

    JOURNAL_BUSY = "another process writes this journal", "stop that process, or wait until it ends"
    JOURNAL_CORRUPT = (
        "a record in the middle of the journal is damaged",
        "restore the folder from a backup; nothing was changed",
    )
    JOURNAL_WRITE_FAILED = "the journal could not be written, so nothing was sent", "free disk space, then restart"
    JOURNAL_GONE = "the journal's files were removed while in use", "restore it from a backup before trading again"
    JOURNAL_GAP = "a segment of the journal is missing", "restore it from a backup"

    OMS_NOT_READY = "the account is not reconciled with its gateway", "wait, or see why in the gateway's log"
    OMS_REPORT_GAP = "a report of the gateway is missing", "reconnect: the gateway resends from the last journaled one"
    ORDER_NOT_OPEN = "the order has ended or was never sent", "look at its state"
    INTENT_EXPIRED = "the intent was older than its time to live before it could be sent", "none; decide afresh"
    INTENT_HALTED = "trading is halted, so the order was not sent", "`tickhouse resume` when it is safe"
    INTENT_LOST = "the intent never reached the gateway and is too old now", "none; decide afresh"
    INTENT_INVALID = "the gateway cannot express this order at the venue", "correct the strategy or the router"
    NEVER_ARRIVED = "the venue has proved that the order never reached it", "none; decide afresh"
    VENUE_REJECTED = "the venue refused the order", "read the venue's own message in the report"
    WOULD_TAKE = "a post-only order would have traded at once", "none; decide afresh"
    NOTHING_TO_TRADE = "no more could be traded at the order's price", "none"
    REDUCE_ONLY_REJECTED = "the order would not have reduced the position", "none; decide afresh"
    NO_MARKET = "there is no proved book to trade on", "wait until the feed is back"
    CANCEL_TOO_LATE = "the order had ended before the cancel arrived", "none"

    GATEWAY_NO_INSTRUMENTS = (
        "the stores hold no instruments of this venue",
        "ingest them first: materialise the asset `instruments` in Dagster, or run `make demo`",
    )
    ACCOUNT_BUSY = "another flow is connected to this account", "stop it first"
    ACCOUNT_CHANGED = (
        "this account name has traded somewhere else before, and its journal speaks of that",
        "set live.account (TICKHOUSE_LIVE__ACCOUNT) to a name of its own, or live.gateway and venue to what they were",
    )
    ACCOUNT_WRONG = "this gateway serves another account", "connect to the gateway of the right account"
    GATEWAY_NOT_READY = "the gateway is still settling orders with the venue", "wait"
    GATEWAY_AHEAD = (
        "the flow knows reports that this gateway never made",
        "use the gateway journal that belongs to the flow's journal",
    )
    FLOW_GONE = "the flow was away too long, so its working orders were cancelled", "start the flow again"
    GATEWAY_STOPPING = "the gateway ends, so working orders were cancelled", "start it again"
    GATEWAY_RUNNING = "a gateway of this account runs already", "use it, or stop it"
    GATEWAY_BAD_MESSAGE = "a message could not be understood", "run the same version on both sides"
    POSITION_MISMATCH = (
        "our position is not the venue's",
        "see the report; trading stays off until they agree",
    )
    ORDERS_UNSETTLED = "the outcome of some orders is not known yet", "wait until the venue answers"

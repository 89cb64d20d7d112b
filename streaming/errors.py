"""Error codes of the streaming room."""

from __future__ import annotations

from infra.errors import ErrorCode


class StreamCode(ErrorCode):
    """What can go wrong round the live flow."""

    FLOW_RUNNING = "another flow runs on this home folder", "stop it first, or use another home folder"
    PROCESS_FAILED = "a side process did not come up", "read its log file named here"
    INSTRUMENTS_MISSING = (
        "ClickHouse knows no instrument for the configured symbols",
        "run the ingestion first (materialise `instruments` in Dagster, or `make demo`)",
    )
    INPUT_LOG_BROKEN = "the input log cannot be read", "replay another session"
    INPUT_LOG_FULL = "the input log cannot be written; nothing may be decided that is not recorded", "free disk space"
    CONTROL_SILENT = "nothing answers on the control socket", "see whether the flow runs: `tickhouse status`"
    EXCHANGE_MOVED = "the sandbox exchange came back at another address", "start the flow again"
    TRADING_HALTED = "trading is halted", "find the reason, then `tickhouse resume`"
    TRADING_RESUMED = "the halt was ended", "nothing"
    ACCOUNT_READY = "the gateway has settled everything and its positions are ours", "nothing"
    STORES_UNREACHABLE = (
        "ClickHouse or Redis is unreachable: no new risk is taken, the journal goes on",
        "start the stores; the flow resumes by itself",
    )
    STORES_BACK = "ClickHouse and Redis are reachable again", "nothing"
    NEW_RISK_SUSPENDED = "the fate of an order is not known: only reducing orders go out", "wait, or see gateway.log"
    LIMITS_LOADED = "other risk limits are in force", "nothing"

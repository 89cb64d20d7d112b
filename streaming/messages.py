"""What travels on the unix sockets between the flow and the processes beside it."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from infra.home import Home


class ToFlow(IntEnum):
    """Tags of what the flow receives."""

    CONTROL = 1      # JSON: {"kind": "halt" | "resume" | "limits" | "model", ...}
    SNAPSHOT = 2     # a depth snapshot: instrument (u4), then the REST answer's bytes
    CATCH_UP = 3     # trades fetched by REST: instrument (u4), last id that is covered (i8), then event records
    HEALTH = 4       # JSON: {"clickhouse": bool, "redis": bool}


class FromFlow(IntEnum):
    """Tags of what the flow sends."""

    HELLO = 1        # JSON: {"session", "halted", "limits"}
    ASK = 2          # JSON: streaming.batch.Ask
    REPLY = 3        # JSON: {"id", "halted", "cancels"}: a control message has been carried out
    EVENTS = 4       # market.events records: trades and quotes
    PREDICTIONS = 5  # JSON: list of streaming.batch.Prediction
    RISK = 6         # JSON: list of RiskRow
    STATE = 7        # JSON: positions and profit
    STATS = 8        # JSON: counters, once a second
    DEAD = 9         # reason, a zero byte, the frame's bytes


class RiskRow(NamedTuple):
    """A risk event on the wire, in the columns of its table."""

    ts_event: int
    level: str       # "info" | "warning" | "error" | "critical"
    code: str
    instrument: int
    strategy: str
    detail: str


class FromCommand(IntEnum):
    """Tags of what `tickhouse halt` and `resume` send to the control process."""

    LOOK = 32        # the halt file has changed: carry it out, and answer once the flow has
    ANSWER = 33      # JSON: {"flow": bool, "halted": reason or null, "cancels": number}


def control_socket(home: Home) -> Path:
    """Where the control process listens."""
    return home.run / "control.sock"


def publisher_socket(home: Home) -> Path:
    """Where the publisher listens."""
    return home.run / "publisher.sock"

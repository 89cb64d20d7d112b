"""An alert: one line of the digest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Sections of the digest, in the order in which they are read."""

    RUN = "failed runs"
    CHECK = "failed checks"
    STALE = "stale data"
    RISK = "risk events"
    STORE = "out of reach"


@dataclass(frozen=True, slots=True)
class Alert:
    """What happened, with the way to it in the Dagster UI."""

    kind: Kind
    severity: str        # "ERROR", "WARN", "CRITICAL"
    title: str
    detail: str
    path: str = ""       # below the UI's address: "/runs/<id>"
    when: float = 0.0    # UTC seconds, 0 where it is a state and no event

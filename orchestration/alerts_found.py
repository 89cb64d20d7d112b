"""An alert: one entry of the digest, with the rows that show it and the ways into the Dagster UI."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.mail import Picture


class Kind(StrEnum):
    """Sections of the digest, in the order in which they are read."""

    STORE = "out of reach"
    RISK = "risk events"
    QUALITY = "data quality"
    RUN = "failed runs"
    CHECK = "failed checks"
    STALE = "stale data"


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of something; `total` says how many there are."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    verbatim: bool = False  # the last column is what a source wrote: shown as it came

    @property
    def more(self) -> int:
        """Rows that are left out."""
        return max(0, self.total - len(self.rows))


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the Dagster UI."""

    name: str
    path: str  # below the UI's address: "/runs/<id>"


@dataclass(frozen=True, slots=True)
class Alert:
    """What happened."""

    kind: Kind
    severity: str        # "ERROR", "WARN", "CRITICAL"
    title: str
    detail: str
    path: str = ""       # below the UI's address, of the title's link
    when: float = 0.0    # UTC seconds, 0 where it is a state and no event
    links: tuple[Link, ...] = ()
    tables: tuple[Table, ...] = ()
    picture: Picture | None = None
    brief: str = ""      # for the subject line where it is the only one of its kind; else the title

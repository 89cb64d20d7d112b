"""What a run did, day by day and life by life."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from assets.ingest.wanted import Wanted
    from infra.errors import TickhouseError
    from quality.gate import Finding
    from store.ingest_log import IngestState


class Change(StrEnum):
    """What a run did to a day."""

    KEPT = "kept"            # whole before: not asked for
    NEW = "new"
    UNCHANGED = "unchanged"  # asked for, and the same as before
    REVISED = "revised"
    KEPT_OUT = "kept out"    # failed the gate, or its file could not be read
    NOT_YET = "not yet"      # its publisher gives it later
    NOT_TOLD = "not told"    # the source did not answer


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """What we have of a day of a life after the run."""

    instrument: int
    symbol: str
    label: str
    day: date
    state: IngestState
    change: Change
    rows: int       # that the source gave
    written: int    # that were new to us or revised; of a chunk, booked on its days by their rows


@dataclass(frozen=True, slots=True)
class Trouble:
    """Days that could not be had, and why; all for the same kind of reason."""

    wanted: Wanted
    errors: Mapping[date, TickhouseError]

    @property
    def days(self) -> list[date]:
        """In order."""
        return sorted(self.errors)

    @property
    def error(self) -> TickhouseError:
        """That of the first day."""
        return self.errors[self.days[0]]

    def __str__(self) -> str:
        first, last = self.days[0], self.days[-1]
        span = str(first) if first == last else f"{first}..{last} ({len(self.errors)} days)"
        return f"{self.wanted.life.symbol or 'market'} {self.wanted.subject.label} {span}: {self.error}"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a run: days that are settled now."""

    outcomes: Sequence[DayOutcome] = ()
    findings: Sequence[Finding] = ()
    troubles: Sequence[Trouble] = ()

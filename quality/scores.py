"""How good a day of a dataset is, in shares of one: completeness, accuracy and timeliness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from store.ingest_log import IngestState

GOAL = 0.999  # completeness should be above it
PROMISE_S = 6 * 3_600  # after its end, or after it was first asked for, a day should be whole
_WHOLE = (IngestState.COMPLETE, IngestState.VERIFIED_EMPTY)


@dataclass(frozen=True, slots=True)
class InstrumentDay:
    """What is known of one instrument's day."""

    state: IngestState
    rows: int        # that the source gave
    expected: int    # that the grid asks for, 0 where no grid tells
    lacking: int     # that the gate found missing
    accused: int     # that a rule of severity error accuses
    on_time: bool    # whole within the promised time

    @property
    def wanted(self) -> int:
        """Rows that must be there, 0 where nobody can know."""
        return self.expected or (self.rows + self.lacking if self.rows else 0)

    @property
    def share(self) -> float:
        """Of the rows that must be there, those that are there for readers."""
        if self.state in _WHOLE:
            return 1.0
        if self.state is not IngestState.PARTIAL:
            return 0.0
        if self.expected:
            return min(max(self.rows - self.accused, 0) / self.expected, 1.0)
        return self.rows / self.wanted if self.wanted else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """A day of a dataset over all its instruments."""

    completeness: float
    accuracy: float
    timeliness: float
    instruments: int
    rows: int
    expected_rows: int  # of the instruments for which it is known

    @property
    def goal_met(self) -> bool:
        """Whether completeness is above the goal."""
        return self.completeness > GOAL


def score(days: Sequence[InstrumentDay]) -> Score:
    """The score of a day from those of its instruments; all ones where none was there.

    Completeness is the mean over the instruments, so that a small one that is missing shows beside a large one.
    """
    count, rows = len(days), sum(one.rows for one in days)
    if not count:
        return Score(1.0, 1.0, 1.0, 0, 0, 0)
    accused = sum(min(one.accused, one.rows) for one in days)
    return Score(
        sum(one.share for one in days) / count,
        1.0 - accused / rows if rows else 1.0,
        sum(one.on_time for one in days) / count,
        count, rows, sum(one.wanted for one in days),
    )

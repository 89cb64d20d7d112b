"""Feature groups by name: one compiled kernel a group, the same for history, backtest and live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from infra.errors import TickhouseError
from market.events import Events
from signals.features import flow
from signals.features.errors import FeatureCode

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class FeatureGroup(Protocol):
    """A group of features that one kernel computes together.

    1. `state(instrument)` is the state before the instrument's first event; its bytes are what is stored.
    2. `update` takes events of one instrument in order and mutates the state; row i belongs to `events[index[i]]`.
    3. Split the events anywhere: rows and end state are the same to the bit.
    4. Rows are finite and scale-free: multiply every price or every quantity, and they stay (nearly) the same.
    5. `rows` and `index` must have room for one row an event.
    """

    @property
    def name(self) -> str:
        """The group's name, as the tables and models know it."""

    @property
    def version(self) -> int:
        """Goes up whenever any number changes."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of a row."""

    def state(self, instrument: int) -> Floats:
        """A fresh state."""

    def update(self, state: Floats, events: Events, rows: Floats, index: Integers) -> int:
        """Number of rows written."""

    def update_many(self, states: Floats, slots: Integers, events: Events, rows: Floats, index: Integers) -> int:
        """As `update` for mixed instruments: `slots[instrument]` is the row of `states`, -1 for none."""


_GROUPS: dict[str, Callable[[], FeatureGroup]] = {"flow": flow.FlowGroup}


def names() -> tuple[str, ...]:
    """All group names."""
    return tuple(_GROUPS)


def get(name: str) -> FeatureGroup:
    """The group of this name; FEATURE_GROUP_UNKNOWN with the names there are."""
    try:
        return _GROUPS[name]()
    except KeyError as error:
        raise TickhouseError(FeatureCode.FEATURE_GROUP_UNKNOWN, group=name, known=",".join(_GROUPS)) from error


def state_from_bytes(group: FeatureGroup, instrument: int, data: bytes) -> Floats:
    """The stored state, writable; FEATURE_STATE_WRONG when its size is not this group's."""
    fresh = group.state(instrument)
    if len(data) != fresh.nbytes:
        raise TickhouseError(
            FeatureCode.FEATURE_STATE_WRONG, group=group.name, version=group.version, bytes=len(data), want=fresh.nbytes
        )
    return np.frombuffer(data, dtype=np.float64).copy()


def compute(group: FeatureGroup, state: Floats, events: Events) -> tuple[Floats, Integers]:
    """Rows and their event indices for a batch of one instrument; mutates `state`."""
    rows = np.empty((len(events), len(group.names)))
    index = np.empty(len(events), dtype=np.int64)
    count = group.update(state, events, rows, index)
    return rows[:count], index[:count]

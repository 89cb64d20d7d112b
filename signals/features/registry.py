"""Feature groups by name: one compiled kernel a group, the same for history, backtest and live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from infra.errors import TickhouseError
from market.bars import Bars
from market.events import Events
from market.instrument import Instrument
from signals.features import daily, flow
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


class BarGroup(Protocol):
    """A group of features of bars of one interval.

    1. `state(life)` is the state before the instrument's first bar; its bytes are what is stored.
    2. `update` takes bars of one instrument in order and mutates the state; row i belongs to `bars[index[i]]` and is
       known when that bar is.
    3. Split the bars anywhere: rows and end state are the same to the bit.
    4. A number that is not defined yet, or not at all, is NaN; all others are finite.
    5. `rows` and `index` must have room for one row a bar.
    """

    @property
    def name(self) -> str:
        """The group's name."""

    @property
    def version(self) -> int:
        """Goes up whenever any number changes."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of a row."""

    @property
    def interval_s(self) -> int:
        """Of the bars it is made for."""

    def state(self, life: Instrument) -> Floats:
        """A fresh state."""

    def update(self, state: Floats, bars: Bars, rows: Floats, index: Integers) -> int:
        """Number of rows written."""

    def update_many(self, states: Floats, slots: Integers, bars: Bars, rows: Floats, index: Integers) -> int:
        """As `update` for mixed instruments: `slots[instrument]` is the row of `states`, -1 for none."""


_GROUPS: dict[str, Callable[[], FeatureGroup]] = {"flow": flow.FlowGroup}
_BAR_GROUPS: dict[str, Callable[[], BarGroup]] = {"daily": daily.DailyGroup}


def names() -> tuple[str, ...]:
    """All group names."""
    return tuple(_GROUPS)


def get(name: str) -> FeatureGroup:
    """The group of this name; FEATURE_GROUP_UNKNOWN with the names there are."""
    try:
        return _GROUPS[name]()
    except KeyError as error:
        raise TickhouseError(FeatureCode.FEATURE_GROUP_UNKNOWN, group=name, known=",".join(_GROUPS)) from error


def bar_names() -> tuple[str, ...]:
    """Names of the groups of bars."""
    return tuple(_BAR_GROUPS)


def bar_group(name: str) -> BarGroup:
    """The group of bars of this name; FEATURE_GROUP_UNKNOWN with the names there are."""
    try:
        return _BAR_GROUPS[name]()
    except KeyError as error:
        raise TickhouseError(FeatureCode.FEATURE_GROUP_UNKNOWN, group=name, known=",".join(_BAR_GROUPS)) from error


def compute_bars(group: BarGroup, state: Floats, bars: Bars) -> tuple[Floats, Integers]:
    """Rows and their bar indices for a batch of one instrument; mutates `state`."""
    rows = np.empty((len(bars), len(group.names)))
    index = np.empty(len(bars), dtype=np.int64)
    count = group.update(state, bars, rows, index)
    return rows[:count], index[:count]


def bar_state_from_bytes(group: BarGroup, life: Instrument, data: bytes) -> Floats:
    """The stored state, writable; FEATURE_STATE_WRONG when its size is not this group's."""
    return _restore(group, group.state(life), data)


def state_from_bytes(group: FeatureGroup, instrument: int, data: bytes) -> Floats:
    """The stored state, writable; FEATURE_STATE_WRONG when its size is not this group's."""
    return _restore(group, group.state(instrument), data)


def _restore(group: FeatureGroup | BarGroup, fresh: Floats, data: bytes) -> Floats:
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

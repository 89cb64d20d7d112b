"""What a strategy sees and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from market.events import Events
from signals.target import Target


@dataclass(slots=True)
class View:
    """One instrument after one wake-up in which it traded."""

    instrument: int
    ts: int                        # ns, event time of the newest trade
    trades: Events                 # this wake-up's trades, oldest first
    features: NDArray[np.float64]  # the feature group's row after the newest trade
    volatility: float              # per square root of a second; nan while unknown
    prediction: float              # the champion's output; nan where there is none
    prediction_std: float          # typical size of a prediction; 0 where the model states none
    model: str                     # "name v3"; empty where there is none


class Strategy(Protocol):
    """One file a strategy, registered by name. Contract:

    1. `decide` depends only on the views it was given since it was made, in their order: no clock, no I/O.
    2. It answers only when the wish for that instrument changed.
    3. It never sizes: risk units only.
    """

    @property
    def name(self) -> str:
        """Registered name."""

    def decide(self, view: View) -> Target | None:
        """New target for the view's instrument, or None where the last one stands."""

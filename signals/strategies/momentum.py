"""Momentum on ticks: the time-decayed return over its expected standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from signals.features import flow
from signals.strategies.protocol import View
from signals.strategies.trigger import wish
from signals.target import Target

_RETURN = flow.NAMES.index("ret_10s")
_HALF_LIFE_S = 10.0


@dataclass(slots=True)
class Momentum:
    """Long after a rise, short after a fall, flat between.

    The feature is the log price less its decayed mean. For a random walk of volatility v a second it has the
    standard deviation v * sqrt(tau / 2), tau the decay time; the score is their ratio.
    """

    enter: float = 1.5      # standard deviations
    leave: float = 0.25
    units: float = 0.12     # of the risk budget, an instrument: eight may stand at once
    name: str = "momentum"
    _asked: dict[int, float] = field(default_factory=dict)

    def decide(self, view: View) -> Target | None:
        """New target when the side changed."""
        if not view.volatility > 0.0:
            return None
        spread = view.volatility * math.sqrt(_HALF_LIFE_S / math.log(2.0) / 2.0)
        score = float(view.features[_RETURN]) / spread
        held = self._asked.get(view.instrument, 0.0)
        wished = wish(score, held, units=self.units, enter=self.enter, leave=self.leave)
        if wished == held:
            return None
        self._asked[view.instrument] = wished
        return Target(self.name, view.instrument, wished, view.ts, f"z={score:.2f}")

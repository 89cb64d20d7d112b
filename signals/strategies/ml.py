"""The champion model's prediction over the size of move it was trained on, with a dead band."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from signals.strategies.protocol import View
from signals.strategies.trigger import wish
from signals.target import Target


@dataclass(slots=True)
class Ml:
    """Long where the model expects a rise that stands out, short where a fall; silent without a model.

    The score is the prediction in standard deviations of the model's own predictions, made comparable
    between calm and wild hours by the volatility of its horizon where the model states no such deviation.
    """

    horizon_s: float = 60.0  # of the label, where the model states no standard deviation
    enter: float = 1.0       # score that opens a position
    leave: float = 0.0       # score in the position's direction below which it is closed
    units: float = 0.12      # of the risk budget, an instrument: eight may stand at once
    name: str = "ml"
    _asked: dict[int, float] = field(default_factory=dict)

    def decide(self, view: View) -> Target | None:
        """New target when the side changed; no opinion without a model or before volatility is known."""
        if not (math.isfinite(view.prediction) and view.volatility > 0.0):
            return None
        score = view.prediction / (view.prediction_std or view.volatility * math.sqrt(self.horizon_s))
        held = self._asked.get(view.instrument, 0.0)
        wished = wish(score, held, units=self.units, enter=self.enter, leave=self.leave)
        if wished == held:
            return None
        self._asked[view.instrument] = wished
        return Target(self.name, view.instrument, wished, view.ts, f"{view.model} x={score:.2f}")

"""A Schmitt trigger: entering takes more than staying, so that noise round one level does not churn."""

from __future__ import annotations

import math


def wish(score: float, held: float, *, units: float, enter: float, leave: float) -> float:
    """The units to hold: `units` on the score's side from `enter` on, `held` until the score falls below `leave`."""
    if abs(score) >= enter:
        return math.copysign(units, score)
    if held and score * math.copysign(1.0, held) < leave:
        return 0.0
    return held

"""Value at risk and expected shortfall, one method a file.

Convention: losses are positive fractions of the portfolio's value. `value_at_risk` 0.03 at 99 % over one day reads
"on one day in a hundred the loss is 3 % or more"; `expected_shortfall` is the mean loss on such days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from numpy.typing import ArrayLike

from risk.var import cornish_fisher, historical, parametric
from risk.var.figure import TailFigure

Method = Callable[[ArrayLike, float, int], TailFigure]
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "historical": historical.figure,
        "parametric": parametric.figure,
        "cornish_fisher": cornish_fisher.figure,
    }
)
CONFIDENCES = (0.95, 0.99)
HORIZONS = (1, 10)


def table(
    returns: ArrayLike, confidences: Sequence[float] = CONFIDENCES, horizons: Sequence[int] = HORIZONS
) -> list[TailFigure]:
    """Every method at every confidence and horizon, methods outermost."""
    return [
        method(returns, confidence, horizon)
        for method in METHODS.values()
        for confidence in confidences
        for horizon in horizons
    ]

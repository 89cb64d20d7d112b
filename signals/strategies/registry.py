"""Strategies by name."""

from __future__ import annotations

from collections.abc import Callable

from infra.errors import TickhouseError
from signals.errors import SignalCode
from signals.strategies.ml import Ml
from signals.strategies.momentum import Momentum
from signals.strategies.protocol import Strategy

STRATEGIES: dict[str, Callable[[], Strategy]] = {"momentum": Momentum, "ml": Ml}


def create(name: str) -> Strategy:
    """A fresh strategy; STRATEGY_UNKNOWN where none has that name."""
    if name not in STRATEGIES:
        raise TickhouseError(SignalCode.STRATEGY_UNKNOWN, name=name, known=",".join(sorted(STRATEGIES)))
    return STRATEGIES[name]()

"""Targets of several strategies become one target per instrument, with each strategy's share kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import msgspec

from risk.limits import Limits
from risk.units import PPM


class Target(Protocol):
    """What netting reads of a strategy's target (`signals.target.Target` is one)."""

    @property
    def strategy(self) -> str:
        """Name of the strategy."""

    @property
    def instrument(self) -> int:
        """Id of the instrument's life."""

    @property
    def risk_units(self) -> float:
        """Wanted position in [-1, 1]."""


class NetTarget(msgspec.Struct, frozen=True):
    """One instrument's wanted position in risk units of the portfolio, and who wants how much of it."""

    instrument: int
    risk_units: float                       # in [-1, 1]
    shares: tuple[tuple[str, float], ...]   # by strategy, in order of name; they add up to risk_units


def net(targets: Iterable[Target], limits: Limits) -> dict[int, NetTarget]:
    """Weighted sum of the targets by instrument, the latest target of a strategy standing.

    A single target is cut to [-1, 1], and so is the sum, shares in proportion. An instrument with a target that is
    no finite number is left out altogether: no order rather than a wrong one.
    """
    asked: dict[int, dict[str, float]] = {}
    broken: set[int] = set()
    for target in targets:
        units = target.risk_units
        if not math.isfinite(units):
            broken.add(target.instrument)
            continue
        weight = limits.strategy(target.strategy).weight / PPM
        asked.setdefault(target.instrument, {})[target.strategy] = weight * min(1.0, max(-1.0, units))
    return {
        instrument: _combine(instrument, shares) for instrument, shares in asked.items() if instrument not in broken
    }


def _combine(instrument: int, shares: dict[str, float]) -> NetTarget:
    ordered = sorted(shares.items())
    total = math.fsum(share for _, share in ordered)
    if abs(total) > 1.0:
        scale = 1.0 / abs(total)
        ordered = [(name, share * scale) for name, share in ordered]
        total = math.copysign(1.0, total)
    return NetTarget(instrument, total, tuple(ordered))

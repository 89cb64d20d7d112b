"""Named price shocks applied to the present positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import TickhouseError
from risk.errors import RiskCode

DEFAULT = "default"
_SHOCK = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Instant price changes as fractions, by symbol; `default` for the rest."""

    name: str
    shocks: Mapping[str, float]

    def shock(self, symbol: str) -> float:
        """Price change of `symbol`."""
        return self.shocks[symbol] if symbol in self.shocks else self.shocks.get(DEFAULT, 0.0)


@dataclass(frozen=True, slots=True)
class StressResult:
    """Profit (negative: loss) of a scenario in the currency of the values."""

    name: str
    pnl: float
    by_symbol: Mapping[str, float]


def apply(scenario: Scenario, values: Mapping[str, float]) -> StressResult:
    """Profit of signed position values under the scenario: linear, as for spot and linear contracts."""
    by_symbol = {symbol: value * scenario.shock(symbol) for symbol, value in values.items()}
    return StressResult(scenario.name, sum(by_symbol.values()), by_symbol)


def parse(raw: Mapping[str, Any]) -> list[Scenario]:
    """Scenarios from the parsed file; RISK_LIMITS_INVALID with the key where one is wrong. None is legal."""
    for key in raw:
        if key != "scenario":
            raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, problem="unknown key")
    return [_scenario(f"scenario[{index}]", entry) for index, entry in enumerate(raw.get("scenario", []))]


def _scenario(key: str, entry: Mapping[str, Any]) -> Scenario:
    name, shocks = entry.get("name"), entry.get("shocks")
    unknown = set(entry) - {"name", "shocks"}
    if unknown:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{key}.{min(unknown)}", problem="unknown key")
    if not isinstance(name, str) or not name:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{key}.name", value=name)
    if not isinstance(shocks, Mapping) or not shocks:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{key}.shocks", problem="missing")
    return Scenario(name, {symbol: _fraction(f"{key}.shocks.{symbol}", shock) for symbol, shock in shocks.items()})


def _fraction(key: str, value: object) -> float:
    match = _SHOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, value=value, wanted="'-30 %'")
    fraction = float(match[1]) / 100.0
    if fraction < -1.0:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, value=value, wanted="no price below zero")
    return fraction

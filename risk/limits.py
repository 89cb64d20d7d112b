"""Limits as a hierarchy: portfolio > venue > asset class > sector > instrument, and strategy beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

from infra.errors import TickhouseError
from risk import units
from risk.errors import RiskCode

DEFAULT = "default"
_SECTIONS = frozenset(
    {"currency", "warning_at", "portfolio", "sizing", "venue", "asset_class", "sector", "instrument", "strategy"}
)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Limits of the whole account. Money in 10^-8, ratios in ppm."""

    max_gross_exposure: int
    max_leverage: int
    max_daily_loss: int
    max_drawdown: int
    max_order_rate: int
    max_value_at_risk: int   # one day at 99 %, judged by the nightly report


@dataclass(frozen=True, slots=True)
class Group:
    """Limits of a venue, an asset class or a sector; members are symbols (sectors only)."""

    max_gross_exposure: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstrumentLimits:
    """Limits of one instrument. Money in 10^-8, the collar in ppm, the age in ns."""

    max_order_notional: int
    max_position: int
    price_collar: int
    max_quote_age: int


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy's share of the portfolio's risk (ppm) and its own ceiling."""

    weight: int
    max_gross_exposure: int


@dataclass(frozen=True, slots=True)
class Sizing:
    """Daily volatility of equity (ppm) that one whole risk unit may cause."""

    daily_volatility: int


_Node = TypeVar("_Node", Group, InstrumentLimits, Strategy)


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one portfolio; immutable, so that a reload swaps the whole."""

    currency: str
    warning_at: int
    portfolio: Portfolio
    sizing: Sizing
    venues: Mapping[str, Group]
    asset_classes: Mapping[str, Group]
    sectors: Mapping[str, Group]
    instruments: Mapping[str, InstrumentLimits]
    strategies: Mapping[str, Strategy]

    def instrument(self, symbol: str) -> InstrumentLimits:
        """Limits of `symbol`: its own keys over those of `default`."""
        return self.instruments.get(symbol) or self.instruments[DEFAULT]

    def strategy(self, name: str) -> Strategy:
        """Limits of the strategy, or those of `default`."""
        return self.strategies.get(name) or self.strategies[DEFAULT]

    def sectors_of(self, symbol: str) -> tuple[str, ...]:
        """Names of the sectors that list `symbol`; empty is legal."""
        return tuple(name for name, sector in self.sectors.items() if symbol in sector.members)


def parse(raw: Mapping[str, Any]) -> Limits:
    """Limits from the parsed file; RISK_LIMITS_INVALID with the key where anything is unknown, missing or wrong."""
    currency = raw.get("currency")
    if not isinstance(currency, str) or not currency.isalnum():
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key="currency", value=currency)
    for key in raw:
        if key not in _SECTIONS:
            raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, problem="unknown key")
    readers = _readers(currency)
    warning_at = units.ratio("warning_at", raw.get("warning_at"))
    if not 0 < warning_at <= units.PPM:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key="warning_at", value=raw["warning_at"], wanted="0..100 %")
    limits = Limits(
        currency=currency,
        warning_at=warning_at,
        portfolio=Portfolio(**_values("portfolio", raw.get("portfolio"), Portfolio, readers)),
        sizing=Sizing(**_values("sizing", raw.get("sizing"), Sizing, readers)),
        venues=_nodes("venue", raw.get("venue"), Group, readers),
        asset_classes=_nodes("asset_class", raw.get("asset_class"), Group, readers),
        sectors=_nodes("sector", raw.get("sector", {}), Group, readers, default=False),
        instruments=_nodes("instrument", raw.get("instrument"), InstrumentLimits, readers),
        strategies=_nodes("strategy", raw.get("strategy"), Strategy, readers),
    )
    for name, strategy in limits.strategies.items():
        if strategy.weight > units.PPM:
            raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"strategy.{name}.weight", wanted="0..100 %")
    return limits


def _readers(currency: str) -> dict[str, units.Reader]:
    money = units.money(currency)
    return {
        "max_gross_exposure": money,
        "max_daily_loss": money,
        "max_value_at_risk": money,
        "max_order_notional": money,
        "max_position": money,
        "max_leverage": units.ratio,
        "max_drawdown": units.ratio,
        "price_collar": units.ratio,
        "weight": units.ratio,
        "daily_volatility": units.ratio,
        "max_quote_age": units.duration,
        "max_order_rate": units.rate,
    }


def _nodes(
    section: str, raw: object, kind: type[_Node], readers: Mapping[str, units.Reader], default: bool = True
) -> dict[str, _Node]:
    """Named nodes of a section; each inherits what it does not name from the section's `default`."""
    table = _table(section, raw)
    if default and DEFAULT not in table:
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{section}.{DEFAULT}", problem="missing")
    base = _table(f"{section}.{DEFAULT}", table.get(DEFAULT, {}))
    nodes: dict[str, _Node] = {}
    for name, node in table.items():
        key = f"{section}.{name}"
        merged = {**base, **_table(key, node)}
        nodes[name] = kind(**_values(key, merged, kind, readers))
    return nodes


def _values(key: str, raw: object, kind: type[Any], readers: Mapping[str, units.Reader]) -> dict[str, Any]:
    table = dict(_table(key, raw))
    values: dict[str, Any] = {}
    names = [field.name for field in fields(kind)]
    if "members" in names:
        names.remove("members")
        values["members"] = _members(key, table.pop("members", []))
    for name in table:
        if name not in names:
            raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{key}.{name}", problem="unknown key")
    for name in names:
        if name not in table:
            raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{key}.{name}", problem="missing")
        values[name] = readers[name](f"{key}.{name}", table[name])
    return values


def _members(key: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(member, str) for member in raw):
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=f"{key}.members", value=raw, wanted="a list of symbols")
    return tuple(raw)


def _table(key: str, raw: object) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise TickhouseError(RiskCode.RISK_LIMITS_INVALID, key=key, problem="missing" if raw is None else "no table")
    return cast("Mapping[str, Any]", raw)

"""Gross and net exposure on every level of the hierarchy, kept up to date one instrument at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from market.instrument import Instrument, InstrumentKind
from risk.limits import DEFAULT, Group, Limits
from risk.units import MONEY_SCALE, PPM

_POW10: tuple[int, ...] = tuple(int(10**n) for n in range(64))


class NodeLevel(StrEnum):
    """Levels of the hierarchy, the widest first."""

    PORTFOLIO = "portfolio"
    VENUE = "venue"
    ASSET_CLASS = "asset_class"
    SECTOR = "sector"
    STRATEGY = "strategy"


class Node:
    """One place of the hierarchy: its exposure now and its ceiling; money in 10^-8."""

    __slots__ = ("gross", "level", "max_gross", "name", "net")

    def __init__(self, level: NodeLevel, name: str, max_gross: int) -> None:
        self.level = level
        self.name = name
        self.max_gross = max_gross
        self.gross = 0
        self.net = 0


def notional(instrument: Instrument, price: int, qty: int) -> int:
    """Value of `qty` (signed) at `price` in 10^-8 of the settlement currency's quote, away from zero: never too small.

    Spot and linear: price x qty x contract size. Inverse: contracts x contract size, which is in the quote currency.
    """
    scale = _POW10[instrument.qty_scale]
    value = qty * instrument.contract_size
    if instrument.kind is not InstrumentKind.INVERSE:
        value *= price
        scale *= _POW10[instrument.price_scale]
    # contract_size already carries 10^-8, the scale of money.
    return -(-value // scale) if value >= 0 else value // scale


class Exposure:
    """Exposure of one portfolio. `set` takes an instrument's signed value, working orders included by the caller."""

    def __init__(self, limits: Limits, instruments: Iterable[Instrument], strategies: Iterable[str] = ()) -> None:
        self._values: dict[int, int] = {}
        self._strategy_values: dict[tuple[str, int], int] = {}
        self._paths: dict[int, tuple[Node, ...]] = {}
        nodes: dict[tuple[NodeLevel, str], Node] = {}
        self.portfolio = Node(NodeLevel.PORTFOLIO, "", limits.portfolio.max_gross_exposure)
        nodes[NodeLevel.PORTFOLIO, ""] = self.portfolio
        for instrument in instruments:
            places = [
                (NodeLevel.VENUE, instrument.venue, limits.venues),
                (NodeLevel.ASSET_CLASS, instrument.kind.name.lower(), limits.asset_classes),
                *((NodeLevel.SECTOR, name, limits.sectors) for name in limits.sectors_of(instrument.symbol)),
            ]
            path = [self.portfolio]
            for level, name, groups in places:
                if (level, name) not in nodes:
                    nodes[level, name] = Node(level, name, _group(groups, name).max_gross_exposure)
                path.append(nodes[level, name])
            self._paths[instrument.id] = tuple(path)
        self._strategies = {
            name: Node(NodeLevel.STRATEGY, name, limits.strategy(name).max_gross_exposure) for name in strategies
        }
        self.nodes: tuple[Node, ...] = (*nodes.values(), *self._strategies.values())

    def path(self, instrument: int) -> tuple[Node, ...]:
        """Nodes above the instrument, the portfolio first; empty where it is unknown (checks deny on that)."""
        return self._paths.get(instrument, ())

    def strategy(self, name: str) -> Node | None:
        """The strategy's node; None where it is unknown."""
        return self._strategies.get(name)

    def set(self, instrument: int, value: int) -> None:
        """Replaces the instrument's value (signed, 10^-8) and carries the difference up its path."""
        before = self._values.get(instrument, 0)
        gross, net = abs(value) - abs(before), value - before
        if net:
            self._values[instrument] = value
            for node in self._paths[instrument]:
                node.gross += gross
                node.net += net

    def set_strategy(self, strategy: str, instrument: int, value: int) -> None:
        """Replaces the value of the strategy's own share of the instrument."""
        node = self._strategies[strategy]
        before = self._strategy_values.get((strategy, instrument), 0)
        self._strategy_values[strategy, instrument] = value
        node.gross += abs(value) - abs(before)
        node.net += value - before

    def leverage_ppm(self, equity: int) -> int:
        """Gross exposure over equity in ppm; a broke account has no room: the highest number."""
        return self.portfolio.gross * PPM // equity if equity > 0 else 2**63 - 1


def worst_value(position_value: int, working_buy_value: int, working_sell_value: int) -> int:
    """Signed value of the larger side once every working order of that side is filled."""
    long_side, short_side = position_value + working_buy_value, position_value - working_sell_value
    return long_side if long_side >= -short_side else short_side


def _group(groups: Mapping[str, Group], name: str) -> Group:
    return groups.get(name) or groups[DEFAULT]


assert MONEY_SCALE == 8  # noqa: S101 - notional relies on contract sizes and money having one scale

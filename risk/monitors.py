"""Use of each limit: INFO below the warning level, WARNING near it, ERROR at a breach, CRITICAL at a stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.errors import ErrorCode
from risk.errors import MonitorCode
from risk.exposure import Exposure, NodeLevel
from risk.level import Level, RiskEvent
from risk.limits import Limits
from risk.units import PPM


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one limit is used; `used` and `limit` share a unit (money 10^-8, or ppm)."""

    limit_name: str   # "portfolio.max_leverage", "venue.binance.max_gross_exposure"
    used: int
    limit: int
    breach: Level = Level.ERROR
    code: ErrorCode = MonitorCode.LIMIT_BREACHED
    strategy: str = ""

    @property
    def share_ppm(self) -> int:
        """`used` over `limit`; a limit of nothing is used up by anything."""
        if self.limit <= 0:
            return 0 if self.used <= 0 else 2 * PPM
        return max(self.used, 0) * PPM // self.limit


def usages(limits: Limits, exposure: Exposure, equity: int, peak_equity: int, day_pnl: int) -> list[Usage]:
    """Use of every limit above the instruments."""
    portfolio = limits.portfolio
    drawdown = (peak_equity - equity) * PPM // peak_equity if peak_equity > 0 else 0
    return [
        Usage(
            "portfolio.max_daily_loss", max(-day_pnl, 0), portfolio.max_daily_loss, Level.CRITICAL,
            MonitorCode.LOSS_STOP,
        ),
        Usage(
            "portfolio.max_drawdown", drawdown, portfolio.max_drawdown, Level.CRITICAL, MonitorCode.DRAWDOWN_STOP
        ),
        Usage("portfolio.max_leverage", exposure.leverage_ppm(equity), portfolio.max_leverage),
        *exposure_usages(exposure),
    ]


def exposure_usages(exposure: Exposure) -> list[Usage]:
    """Use of `max_gross_exposure` on each level."""
    return [
        Usage(
            ".".join(part for part in (node.level, node.name, "max_gross_exposure") if part),
            node.gross,
            node.max_gross,
            strategy=node.name if node.level is NodeLevel.STRATEGY else "",
        )
        for node in exposure.nodes
    ]


def position_usages(limits: Limits, values: Mapping[str, int]) -> list[Usage]:
    """Use of `max_position` by symbol; values signed, in 10^-8."""
    return [
        Usage(f"instrument.{symbol}.max_position", abs(value), limits.instrument(symbol).max_position)
        for symbol, value in values.items()
    ]


def level_of(usage: Usage, warning_at: int) -> Level:
    """Alert level of one use; `warning_at` in ppm. A stop fires when it is reached, a ceiling when it is exceeded."""
    share = usage.share_ppm
    if share > PPM or (usage.breach is Level.CRITICAL and share >= PPM):
        return usage.breach
    return Level.WARNING if share >= warning_at else Level.INFO


class Monitor:
    """Turns uses into events when a level changes, so that a limit near its edge does not flood anyone."""

    def __init__(self, limits: Limits) -> None:
        self._warning_at = limits.warning_at
        self._levels: dict[str, Level] = {}

    def update(self, ts_event: int, current: Iterable[Usage]) -> list[RiskEvent]:
        """Events of limits whose level changed since the last call; a return below the warning level is an INFO."""
        events = []
        for usage in current:
            level = level_of(usage, self._warning_at)
            if level is self._levels.get(usage.limit_name, Level.INFO):
                continue
            self._levels[usage.limit_name] = level
            code = usage.code if level >= Level.ERROR else MonitorCode.LIMIT_NEAR
            if level is Level.INFO:
                code = MonitorCode.LIMIT_CLEAR
            numbers = (("limit", usage.limit_name), ("used", usage.used), ("of", usage.limit))
            events.append(RiskEvent(ts_event, level, code, strategy=usage.strategy, numbers=numbers))
        return events

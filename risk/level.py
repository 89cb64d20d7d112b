"""Alert levels and the risk event that checks and monitors hand out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from infra.errors import ErrorCode


class Level(IntEnum):
    """How serious; the numbers are those of the `risk_events` table."""

    INFO = 1      # log
    WARNING = 2   # 80 % of a limit: notify
    ERROR = 3     # breach: no new risk
    CRITICAL = 4  # system failure or loss stop: flatten


@dataclass(frozen=True, slots=True)
class RiskEvent:
    """One row of `risk_events`; `numbers` are the figures behind it, money in 10^-8."""

    ts_event: int
    level: Level
    code: ErrorCode
    instrument: int = 0
    strategy: str = ""
    numbers: tuple[tuple[str, object], ...] = ()

    @property
    def detail(self) -> str:
        """`key=value` pairs, as the table keeps them."""
        return " ".join(f"{key}={value}" for key, value in self.numbers)

"""What a demo run covers: its days, its home folder and the settings it puts in the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from infra.settings import PROJECT

# 20 market seconds a second: a minute of demo holds 20 minutes of market. The accelerated market starts behind the
# wall clock and slows down to real time when it catches up, after 19 minutes of demo with these figures.
SPEED = 20.0
LAG = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Plan:
    """One demo run. Days are UTC and inclusive."""

    home: Path
    venue: str           # "" for the sandbox exchange
    first_day: date      # of bars and funding
    first_trade_day: date
    last_day: date       # the last whole day of the market
    live_seconds: int

    @classmethod
    def make(cls, *, venue: str, days: int, trade_days: int, live_seconds: int) -> Plan:
        """Plan ending with the last day that is whole on the market's clock."""
        market_now = datetime.now(UTC) - (timedelta() if venue else LAG)
        last = market_now.date() - timedelta(days=1)
        return cls(
            home=PROJECT / ".tickhouse" / ("demo" if not venue else f"demo-{venue}"),
            venue=venue,
            first_day=last - timedelta(days=days - 1),
            first_trade_day=last - timedelta(days=min(trade_days, days) - 1),
            last_day=last,
            live_seconds=live_seconds,
        )

    def environment(self) -> dict[str, str]:
        """Settings of the demo as environment variables; orders are always paper."""
        chosen = {
            "TICKHOUSE_HOME": str(self.home),
            "TICKHOUSE_PROFILE": "embedded",
            "TICKHOUSE_VENUE__HISTORY_START": self.first_day.isoformat(),
            "TICKHOUSE_LIVE__GATEWAY": "paper",
        }
        if self.venue:
            chosen |= {"TICKHOUSE_VENUE__NAME": self.venue, "TICKHOUSE_VENUE__SANDBOX": "false"}
        else:
            chosen |= {
                "TICKHOUSE_VENUE__SANDBOX": "true",
                "TICKHOUSE_SANDBOX__SPEED": str(SPEED),
                "TICKHOUSE_SANDBOX__LAG_S": str(LAG.total_seconds()),
            }
        return chosen

    def enter(self) -> None:
        """Makes this process and its children use the demo's settings."""
        os.environ.update(self.environment())

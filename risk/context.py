"""What the pre-trade checks see around an order, and their verdict."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import msgspec

from infra.errors import ErrorCode
from market.instrument import Instrument, TradingRules
from risk.exposure import Node
from risk.level import Level
from risk.limits import InstrumentLimits, Limits


class RiskContext(msgspec.Struct):
    """State around one instrument of one portfolio, filled by the trade step before each check.

    Nothing has a permissive default: what is not filled denies the order. Money is 10^-8 of the settlement
    currency, quantities and prices are in the instrument's scales.
    """

    limits: Limits
    instrument_limits: InstrumentLimits | None = None
    instrument: Instrument | None = None
    rules: TradingRules | None = None
    nodes: tuple[Node, ...] = ()        # from Exposure.path, the portfolio first; the strategy's node may follow
    position: int | None = None         # signed
    working_buy: int = 0                # open quantity of working buy orders, those in flight included
    working_sell: int = 0
    mid: int = 0                        # 0: unknown
    quote_age_ns: int | None = None
    equity: int | None = None
    peak_equity: int | None = None      # the highest equity so far
    day_pnl: int | None = None          # since 00:00 UTC, unrealised and fees included
    orders_last_second: int | None = None
    known_order_ids: Container[str] | None = None
    halted: bool = True
    feed_healthy: bool = False          # connected, and the book is proved right
    # Set by `check` for the checks behind it.
    reducing: bool = False
    order_value: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the order may go out; if not, the code and the figures behind it."""

    allowed: bool
    code: ErrorCode | None = None
    level: Level = Level.INFO
    numbers: tuple[tuple[str, object], ...] = ()

    @property
    def reason(self) -> str:
        """`CODE key=value`, empty when allowed."""
        return " ".join([str(self.code), *(f"{key}={value}" for key, value in self.numbers)]) if self.code else ""


ALLOWED = Verdict(allowed=True)


def deny(code: ErrorCode, level: Level = Level.ERROR, /, **numbers: object) -> Verdict:
    """A refusal with its figures."""
    return Verdict(allowed=False, code=code, level=level, numbers=tuple(numbers.items()))

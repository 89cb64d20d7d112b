"""What the trade step knows of its portfolio: prices, money and the context of a pre-trade check.

Money is 10^-8 of the settlement currency. What cannot be known is None, and whoever needs it refuses.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from execution.oms import Oms
from ledger.value import reported
from risk.context import RiskContext
from risk.exposure import Exposure, notional, worst_value
from risk.limits import Limits
from streaming.batch import Quote
from streaming.start import DayMark, Start

_DAY_NS = 86_400 * 10**9
_MARK_EVERY_NS = 60 * 10**9


class Account:
    """Marks, equity and exposure of one portfolio; mutable, owned by the trade step."""

    def __init__(self, start: Start, oms: Oms, limits: Limits) -> None:
        self.instruments = {instrument.id: instrument for instrument in start.instruments}
        self.rules = {rules.instrument: rules for rules in start.rules}
        self.quotes: dict[int, Quote] = {}
        self.volatility: dict[int, float] = {}    # of a day
        self.oms = oms
        self.settle = start.instruments[0].settle
        self.equity: int | None = None
        self.profit: int | None = None            # of all time, fees and funding included
        self._strategies = start.strategies
        self._mark = start.day_mark
        self._marked_at = 0
        self._sent: deque[int] = deque()
        self.set_limits(limits)

    def set_limits(self, limits: Limits) -> None:
        """Takes other limits; exposure is counted anew against them."""
        self.limits = limits
        self.exposure = Exposure(limits, self.instruments.values(), self._strategies)
        for instrument in self.instruments:
            self.expose(instrument)

    def mid(self, instrument: int) -> int:
        """Mid price, 0 while a side is unknown."""
        quote = self.quotes.get(instrument)
        return (quote.bid + quote.ask) // 2 if quote is not None and quote.bid > 0 and quote.ask > 0 else 0

    def working(self, instrument: int) -> tuple[int, int]:
        """Open quantity of buys and of sells, both positive."""
        buys = sells = 0
        for order in self.oms.open_orders(instrument):
            if order.intent.sign > 0:
                buys += order.leaves
            else:
                sells += order.leaves
        return buys, sells

    def expose(self, instrument: int) -> None:
        """Counts the instrument's position and working orders at the present mid."""
        mid = self.mid(instrument)
        if mid:
            self._expose(instrument, mid, *self.working(instrument))

    def _expose(self, instrument: int, mid: int, buys: int, sells: int) -> None:
        life = self.instruments[instrument]
        value = notional(life, mid, self.oms.position(instrument))
        if buys or sells:
            value = worst_value(value, notional(life, mid, buys), notional(life, mid, sells))
        self.exposure.set(instrument, value)
        for strategy, held in self.oms.ledger.strategies(instrument):
            if self.exposure.strategy(strategy) is not None:
                self.exposure.set_strategy(strategy, instrument, notional(life, mid, held.qty))

    def value(self, now: int) -> DayMark | None:
        """Works out equity and profit; a mark to journal where the day is new or the peak has risen."""
        equity, profit = self.oms.ledger.cash.get(self.settle, 0), 0
        for instrument, held in self.oms.ledger.positions.items():
            mid = self.mid(instrument)
            if held.qty and not mid:
                self.equity = self.profit = None
                return None
            open_profit = held.unrealised(mid) if held.qty else -held.cost
            equity += open_profit
            profit += held.realised + open_profit + held.funding - held.fees
        self.equity, self.profit = reported(equity), reported(profit)
        day = now // _DAY_NS
        mark = self._mark
        if mark is None or mark.day != day:
            self._mark = DayMark(day, self.profit, max(self.equity, mark.peak if mark else 0))
        elif self.equity > mark.peak:
            self._mark = msgspec.structs.replace(mark, peak=self.equity)
        if self._mark is mark or (mark is not None and mark.day == day and now - self._marked_at < _MARK_EVERY_NS):
            return None
        self._marked_at = now
        return self._mark

    @property
    def day_pnl(self) -> int | None:
        """Profit since the day's first mark."""
        return self.profit - self._mark.profit if self.profit is not None and self._mark is not None else None

    @property
    def peak(self) -> int | None:
        """The highest equity so far."""
        return self._mark.peak if self._mark is not None else None

    def sent(self, now: int) -> None:
        """Remembers that an order went out."""
        self._sent.append(now)

    def context(self, instrument: int, strategy: str, now: int, *, halted: bool) -> RiskContext:
        """All that the checks want to know; what is unknown stays None and refuses."""
        while self._sent and now - self._sent[0] >= 1_000_000_000:
            self._sent.popleft()
        mid, (buys, sells) = self.mid(instrument), self.working(instrument)
        if mid:
            self._expose(instrument, mid, buys, sells)
        quote = self.quotes.get(instrument)
        life = self.instruments.get(instrument)
        node = self.exposure.strategy(strategy)
        return RiskContext(
            limits=self.limits,
            instrument_limits=self.limits.instrument(life.symbol) if life is not None else None,
            instrument=life,
            rules=self.rules.get(instrument),
            nodes=self.exposure.path(instrument) + ((node,) if node is not None else ()),
            position=self.oms.position(instrument),
            working_buy=buys,
            working_sell=sells,
            mid=mid,
            quote_age_ns=now - quote.ts if quote is not None and quote.ts else None,
            equity=self.equity,
            peak_equity=self.peak,
            day_pnl=self.day_pnl,
            orders_last_second=len(self._sent),
            known_order_ids=self.oms.orders,
            halted=halted,
            feed_healthy=quote is not None and quote.proved,
        )

    def state(self, now: int) -> dict[str, Any]:
        """Positions and profit for the publisher."""
        positions = [
            {
                "instrument": instrument,
                "qty": held.qty,
                "average_price": held.average_price,
                "realised_pnl": reported(held.realised),
                "unrealised_pnl": reported(held.unrealised(mid)) if (mid := self.mid(instrument)) else 0,
                "fees": reported(held.fees),
                "mark_price": mid,
                "ts_event": now,
            }
            for instrument, held in self.oms.ledger.positions.items()
        ]
        pnl = {
            "equity": self.equity or 0,
            "profit": self.profit or 0,
            "realised": sum(row["realised_pnl"] for row in positions),
            "unrealised": sum(row["unrealised_pnl"] for row in positions),
            "fees": sum(row["fees"] for row in positions),
            "day_pnl": self.day_pnl or 0,
            "ts_event": now,
        }
        return {"account": self.oms.account, "positions": positions, "pnl": pnl}

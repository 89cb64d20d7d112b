"""Orders through netting, sizing, pre-trade checks, OMS and journal, one after another, each with its fill."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from execution.journal import MemorySink
from execution.link import Unframer
from execution.messages import CashKind, CashMove, Report, Standing, Welcome, decode_message, encode
from execution.oms import Oms
from ledger.intent import Intent
from ledger.order import Liquidity, OrderEvent, OrderEventKind
from signals.strategies.protocol import View
from signals.target import Target
from streaming.batch import NO_EVENTS, Batch, Quote
from streaming.input_log import GATEWAY_UP, Entry, Input
from streaming.start import Start
from streaming.trade import Trade

_STEP_NS = 1_000_000  # the clock's, a decision


class Desk:
    """A trade step whose orders are filled at once."""

    def __init__(self, start: Start, folder: Path | None) -> None:
        """With its journal in `folder`, or without one."""
        self._now, self._reports = start.ts, 0
        lives = start.instruments
        if folder is None:
            self._oms = Oms(start.account, lives, MemorySink())
        else:
            self._oms = Oms.open(folder, lives, start.account)
        self._trade = Trade(start, self._oms)
        self._ids = [life.id for life in lives]
        cash = CashMove(CashKind.DEPOSIT, "begin", 0, lives[0].settle, 10**17)
        begin = [
            encode(Welcome(start.account, "bench", 0, [])), self._report(cash),
            encode(Standing(1, 0, True, "", [], [])),
        ]  # fmt: skip
        inputs = [Input(Entry.HEALTH, 0, b'{"bench":true}'), Input(Entry.LINK, 0, GATEWAY_UP)]
        inputs += [Input(Entry.GATEWAY, 0, message) for message in begin]
        row = np.zeros(1)
        views = [View(id_, 0, NO_EVENTS, row, 1e-4, 0.0, 0.0, "") for id_ in self._ids]
        self._trade([Batch(self._now, inputs, quotes=self._quotes(), views=views)])

    def run(self, decisions: int) -> float:
        """Orders a second, the time for their reports included, that of this gateway not."""
        orders = spent = 0
        for number in range(decisions):
            self._now += _STEP_NS
            instrument = self._ids[number % len(self._ids)]
            units = 0.5 if number // len(self._ids) % 2 == 0 else 0.0
            decision = Batch(self._now, [], targets=[Target("flip", instrument, units, self._now, "bench")])
            if number % len(self._ids) == 0:
                decision.quotes = self._quotes()
            began = time.perf_counter_ns()
            self._trade([decision])
            spent += time.perf_counter_ns() - began
            answers = Batch(self._now, self._fills(decision.orders))
            began = time.perf_counter_ns()
            self._trade([answers])
            spent += time.perf_counter_ns() - began
            orders += len(decision.order_ids)
        self._oms.close()
        return orders * 1e9 / spent

    def _quotes(self) -> list[Quote]:
        return [Quote(id_, 9_999, 10_001, self._now, True) for id_ in self._ids]

    def _report(self, body: OrderEvent | CashMove) -> bytes:
        self._reports += 1
        return encode(Report(self._reports, self._now, body))

    def _fills(self, frames: list[bytes]) -> list[Input]:
        found: list[Input] = []
        for payload in Unframer().feed(b"".join(frames)):
            order = decode_message(payload)
            if isinstance(order, Intent):
                fill = OrderEvent(
                    OrderEventKind.FILL, order.order_id, self._now, trade_id=order.order_id, price=order.price,
                    qty=order.qty, fee=1, fee_asset="USDT", liquidity=Liquidity.TAKER,
                )  # fmt: skip
                submitted = OrderEvent(OrderEventKind.SUBMITTED, order.order_id, self._now)
                found += [Input(Entry.GATEWAY, self._now, self._report(event)) for event in (submitted, fill)]
        return found

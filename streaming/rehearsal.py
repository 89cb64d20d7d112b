"""Keeps the way from tick to order in the processor's caches while nothing comes, on a shard that is thrown away.

A decision that finds code and model cold takes about twice as long, and half a millisecond of idling is enough.
So an idle, busy-polling flow decides for practice: a scratch engine with its own books, its own account and no
journal takes a trade, makes an order and hears of its fill, one step a turn so that no frame waits for long.
It shares nothing with the live engine but the model, which only answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from execution.journal import MemorySink
from execution.link import Unframer
from execution.messages import CashKind, CashMove, Report, Standing, Welcome, decode_message, encode
from execution.oms import Oms
from ledger.intent import Intent
from ledger.order import OrderEvent, OrderEventKind
from signals.strategies.protocol import View
from signals.target import Target
from streaming.batch import Batch
from streaming.engine import Engine
from streaming.input_log import GATEWAY_UP, Entry, Input, WakeUp, pack_frames
from streaming.start import Start
from streaming.track import SNAPSHOT
from streaming.warm import of

_EVERY_NS = 200_000        # between two turns, four of which are a decision
_STEP_NS = 1_000_000_000   # the scratch clock's, so that no limit on orders a second is met
_CASH = 20_000 * 10**8     # little enough that a target is one order, and not slices of one
_QUOTE = (
    b'{"stream":"x@bookTicker","data":{"e":"bookTicker","u":1,"E":1,"T":1,"s":"%s","b":"10000","B":"1","a":"10001",'
    b'"A":"1"}}'
)
_TRADE = (
    b'{"stream":"x@aggTrade","data":{"e":"aggTrade","E":1,"a":%d,"s":"%s","p":"%d","q":"1","f":1,"l":1,"T":%d,'
    b'"m":true}}'
)


@dataclass(slots=True)
class _Turns:
    """In and out again at every trade."""

    name: str
    units: float = 0.0

    def decide(self, view: View) -> Target:
        """The other one of the two targets."""
        self.units = 0.1 - self.units
        return Target(self.name, view.instrument, self.units, view.ts, "rehearsal")


class Rehearsal:
    """A scratch shard that decides the same thing again and again."""

    def __init__(self, start: Start, live: Engine) -> None:
        self._live = live
        self._life = start.instruments[0]
        self._now = start.ts
        self._next = 0
        self._round = 0
        self._reports = 0
        scratch = msgspec.structs.replace(start, model=None, halted=None, day_mark=None)
        self._oms = Oms(start.account, start.instruments, MemorySink())
        strategy = start.strategies[0] if start.strategies else "none"
        self._engine = Engine.build(scratch, self._oms, lambda _ref: b"", [_Turns(strategy)])
        self._steps = (self._hear, self._track, self._trade, self._filled)
        self._turn = 0
        self._batches: list[Batch] = []
        self._sent: list[bytes] = []
        self._open()

    def __call__(self, now: int) -> None:
        """A step of the practice, where it is time for one."""
        if now < self._next:
            return
        self._steps[self._turn]()
        self._turn = (self._turn + 1) % len(self._steps)
        self._next = now + _EVERY_NS

    def _open(self) -> None:
        body = b'{"lastUpdateId":1,"bids":[["10000","1"]],"asks":[["10001","1"]]}'
        cash = CashMove(CashKind.DEPOSIT, "rehearsal", 0, self._life.settle, _CASH)
        self._run(
            (Entry.FEED, b'{"up":true}'), (Entry.HEALTH, b'{"rehearsal":true}'), (Entry.LINK, GATEWAY_UP),
            (Entry.SNAPSHOT, SNAPSHOT.pack(self._life.id) + body),
            (Entry.GATEWAY, encode(Welcome(self._oms.account, "rehearsal", 0, []))),
            (Entry.GATEWAY, self._report(cash)), (Entry.GATEWAY, encode(Standing(1, 0, True, "", [], []))),
        )  # fmt: skip

    def _wake(self, *inputs: tuple[Entry, bytes]) -> WakeUp:
        return WakeUp(self._now, [Input(kind, self._now, body) for kind, body in inputs])

    def _run(self, *inputs: tuple[Entry, bytes]) -> None:
        self._sent = self._engine.run(self._wake(*inputs)).orders

    def _report(self, body: OrderEvent | CashMove) -> bytes:
        self._reports += 1
        return encode(Report(self._reports, self._now, body))

    def _hear(self) -> None:
        self._round += 1
        self._now += _STEP_NS
        symbol = self._life.venue_symbol.encode()
        trade = _TRADE % (self._round, symbol, 10_000 + self._round % 2, self._now // 1_000_000)
        body = pack_frames(of([_QUOTE % symbol, trade], self._now))
        self._batches = self._engine.decode([self._wake((Entry.FRAMES, body))])

    def _track(self) -> None:
        self._engine.track.share_model(self._live.track)
        self._batches = self._engine.decide(self._engine.track(self._batches))

    def _trade(self) -> None:
        self._sent += self._engine.trade(self._batches)[0].orders

    def _filled(self) -> None:
        orders = [decode_message(payload) for payload in Unframer().feed(b"".join(self._sent))]
        price = self._engine.trade.account.mid(self._life.id)  # without a spread and a fee nothing is ever lost
        events = [
            event
            for order in orders if isinstance(order, Intent)
            for event in (
                OrderEvent(OrderEventKind.SUBMITTED, order.order_id, self._now),
                OrderEvent(OrderEventKind.FILL, order.order_id, self._now, trade_id=order.order_id, price=price,
                           qty=order.qty),
            )
        ]  # fmt: skip
        self._run(*((Entry.GATEWAY, self._report(event)) for event in events))
        self._oms.forget_ended()

"""The desk: sends each order once, settles what is uncertain with the venue, and reports.

1. The attempt is journaled before the request leaves; an order attempted once is never sent again.
2. An unknown outcome stays in flight; the venue is asked by our id until it proves one or the other.
3. After a start everything open is looked up before anything is sent.
4. Not ready while an outcome is unknown or positions differ from the venue's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import structlog

from execution import reconcile
from execution.errors import ExecutionCode
from execution.gateways.port import Answer, Port, Verdict
from execution.gateways.positions import PositionCheck
from execution.gateways.state import GatewayState
from execution.messages import Cancel, CashMove
from execution.reconcile import NotFound, Seen, VenueFill
from infra.errors import ErrorCode, TickhouseError
from ledger.intent import Intent
from ledger.order import IN_FLIGHT, Order, OrderEvent, OrderEventKind, OrderState

log = structlog.get_logger()

_LOOK_AFTER_NS = 1_000_000_000     # in flight for so long without news: look it up
_LOOK_RESTING_NS = 30_000_000_000  # resting orders are looked up so often
_COMPARE_S = 20.0                  # positions are compared with the venue's so often
_TICK_S = 0.25


class Desk:
    """Orders of one account between the flow and one venue. Also the port's `Ears`."""

    def __init__(
        self, state: GatewayState, port: Port, clock: Callable[[], int] = time.time_ns,
        halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._state = state
        self._port = port
        self._clock = clock
        self._halted = halted
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._uncertain: set[str] = set()     # outcome unknown
        self._look_at: dict[str, int] = {}    # order id: when to look it up next
        self._check = PositionCheck(state, port, self, self._report, clock)
        self._started = False
        self._told = "?"
        self._flat = asyncio.Event()          # no order is open
        self._connected = False
        self._mute = False                    # the journal takes no more
        self.on_ready: Callable[[], None] = lambda: None
        self.on_failure: Callable[[BaseException], None] = lambda _error: None

    @property
    def why_not(self) -> str:
        """Why no new order may come; empty when ready."""
        if not self._started:
            return ExecutionCode.GATEWAY_NOT_READY.name
        if self._uncertain:
            return ExecutionCode.ORDERS_UNSETTLED.name
        return ExecutionCode.POSITION_MISMATCH.name if self._check.mismatch else ""

    def start(self) -> None:
        """Begins to connect, settle what an earlier life left open and compare positions; until then not ready."""
        self._spawn(self._run())

    async def stop(self, patience_s: float = 5.0) -> None:
        """Cancels what works, waits for the venue's word, disconnects.

        Where the journal takes no more, cancels go out all the same: the next start looks every open order up.
        """
        if self._started and self._state.open_orders() and not self._mute:
            await self._cancel_and_wait(patience_s)
        if self._mute and self._connected:
            await self._cancel_unwritten(patience_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._port.stop()

    async def _cancel_and_wait(self, patience_s: float) -> None:
        self._flat.clear()
        try:
            self.cancel_all(ExecutionCode.GATEWAY_STOPPING)
            await asyncio.wait_for(self._flat.wait(), patience_s)
        except TimeoutError:  # what the venue has not confirmed is settled at the next start
            return
        except TickhouseError:
            if not self._mute:
                raise

    async def _cancel_unwritten(self, patience_s: float) -> None:
        working = [order for order in self._state.open_orders() if order.intent.order_id in self._state.attempted]
        log.warning("cancelling without the journal", orders=[order.intent.order_id for order in working])
        cancels = asyncio.gather(*(self._port.cancel(order) for order in working), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(cancels, patience_s)

    # From the flow

    def submit(self, intent: Intent) -> None:
        """Takes an intent; a repeated one is ignored."""
        with self._journaling():
            if self._state.receive(intent) and self._started:  # else it is placed once everything is settled
                self._spawn(self._place(intent))

    def cancel(self, cancel: Cancel) -> None:
        """Takes a wish to cancel; nothing happens for an order that has ended, its end is on the way."""
        order = self._state.view.orders.get(cancel.order_id)
        if order is None or not order.is_open:
            return
        if order.state != OrderState.PENDING_CANCEL:
            with self._journaling():
                self._state.receive_cancel(cancel)
        if self._started:
            self._spawn(self._cancel(order))

    def cancel_all(self, code: ErrorCode) -> None:
        """Cancels every open order: the flow is gone, or this process ends."""
        for order in self._state.open_orders():
            self.cancel(Cancel(order.intent.order_id, self._clock(), code.name))

    # From the venue

    def on_fill(self, fill: VenueFill) -> None:
        """Books a trade of an order that we know; others are found by looking."""
        order = self._state.view.orders.get(fill.client_order_id)
        if order is None:
            order = self._state.by_venue_id.get((fill.instrument, fill.venue_order_id))
        if order is not None and not self._state.knows_fill(fill.instrument, fill.trade_id):
            self._report(reconcile.fill_event(order.intent.order_id, fill))

    def on_sighting(self, client_order_id: str, seen: Seen) -> None:
        """Takes an order's new state as far as it is complete, else looks it up."""
        order = self._state.view.orders.get(client_order_id)
        if order is not None:
            self._apply(order, seen)

    def on_cash(self, move: CashMove) -> None:
        """Books cash once."""
        if (int(move.kind), move.ref) not in self._state.cash_refs:
            with self._journaling():
                self._state.report(move, self._clock())

    def on_reconnect(self) -> None:
        """News was missed: look up everything that is open."""
        now = self._clock()
        for order in self._state.open_orders():
            self._look_at[order.intent.order_id] = now

    # Sending

    async def _place(self, intent: Intent) -> None:
        order = self._state.view.orders[intent.order_id]
        async with self._lock(intent.order_id):
            now = self._clock()
            if order.state == OrderState.PENDING_CANCEL:
                self._report(OrderEvent(OrderEventKind.CANCELLED, intent.order_id, now, code=order.code))
                return
            if order.state != OrderState.RELEASED:
                return
            refusal = self._refusal(intent, now)
            if refusal is not None:
                self._report(OrderEvent(OrderEventKind.DENIED, intent.order_id, now, code=refusal.name))
                return
            self._report(OrderEvent(OrderEventKind.SUBMITTED, intent.order_id, now))  # the attempt is on record
            answer = await self._port.place(intent)
            self._judge(order, answer)

    def _refusal(self, intent: Intent, now: int) -> ExecutionCode | None:
        if intent.expired(now):
            return ExecutionCode.INTENT_EXPIRED
        return ExecutionCode.INTENT_HALTED if self._halted() else None

    def _judge(self, order: Order, answer: Answer) -> None:
        intent, now = order.intent, self._clock()
        if answer.verdict is Verdict.UNKNOWN:
            log.warning("outcome unknown, asking the venue", order_id=intent.order_id, detail=answer.detail)
            self._doubt(intent.order_id)
            return
        waiting = OrderState.SUBMITTED in (order.state, order.beneath) and not order.filled
        if order.is_open and waiting and answer.verdict is Verdict.REFUSED:
            self._report(OrderEvent(
                OrderEventKind.REJECTED, intent.order_id, now, code=answer.code or ExecutionCode.VENUE_REJECTED.name
            ))
            log.info("refused", order_id=intent.order_id, code=answer.code, detail=answer.detail)
        elif order.is_open and waiting:
            self._report(OrderEvent(
                OrderEventKind.ACCEPTED, intent.order_id, now, venue_order_id=answer.venue_order_id
            ))
        if answer.filled:  # its trades come by the stream; if they do not, they are fetched
            self._look_at[intent.order_id] = now + 300_000_000

    async def _cancel(self, order: Order) -> None:
        order_id = order.intent.order_id
        async with self._lock(order_id):  # waits until the placing has an outcome
            if not order.is_open:
                return
            if order_id not in self._state.attempted:
                self._report(OrderEvent(OrderEventKind.CANCELLED, order_id, self._clock(), code=order.code))
                return
            answer = await self._port.cancel(order)
            if answer.verdict is Verdict.UNKNOWN:
                self._look_at[order_id] = self._clock()
                return
            if order.is_open:
                await self._look(order)
            if answer.verdict is Verdict.REFUSED and order.state == OrderState.PENDING_CANCEL:
                code = answer.code or ExecutionCode.CANCEL_TOO_LATE.name
                self._report(OrderEvent(OrderEventKind.CANCEL_REJECTED, order_id, self._clock(), code=code))

    # Settling

    def _doubt(self, order_id: str) -> None:
        self._uncertain.add(order_id)
        self._look_at[order_id] = self._clock()
        self._tell_ready()

    async def _look(self, order: Order) -> None:
        sighting = await self._port.look_up(order)
        self._apply(order, sighting)

    def _apply(self, order: Order, sighting: reconcile.Sighting) -> None:
        order_id, now = order.intent.order_id, self._clock()
        until = self._state.attempted.get(order_id, 0) + self._port.arrival_window_ns
        events = reconcile.order_events(
            order, sighting, self._state.knows_fill, now_ns=now, arrives_until_ns=until
        )
        done = reconcile.settled(order, sighting, events)
        for event in events:
            self._report(event)
        if not done and (order.is_open or isinstance(sighting, Seen)):
            self._look_at[order_id] = now + 500_000_000
            if isinstance(sighting, NotFound) and order.venue_order_id:
                self._uncertain.add(order_id)  # the venue took it and now denies it: somebody must look
                self._tell_ready()
            return
        self._look_at.pop(order_id, None)
        if order_id in self._uncertain:
            self._uncertain.discard(order_id)
            self._tell_ready()

    async def _run(self) -> None:
        await self._port.start(self, self._state.open_orders())
        self._connected = True
        await self._recover()
        compared = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            self._state.check_journal()
            now = self._clock()
            await asyncio.gather(*(self._settle(order) for order in self._due(now)))
            due = time.monotonic() - compared > (2.0 if self._check.mismatch else _COMPARE_S)
            if due and not self._state.view.in_flight() and await self._compare():
                compared = time.monotonic()

    async def _settle(self, order: Order) -> None:
        async with self._lock(order.intent.order_id):
            await self._look(order)
            if order.state == OrderState.PENDING_CANCEL:  # its cancel may never have arrived: ask again
                self._spawn(self._cancel(order))

    def _due(self, now: int) -> list[Order]:
        due = []
        for order in self._state.open_orders():
            order_id = order.intent.order_id
            at = self._look_at.get(order_id)
            if at is None:
                quiet = _LOOK_AFTER_NS if order.state in IN_FLIGHT else _LOOK_RESTING_NS
                at = order.ts_last + quiet
            lock = self._locks.get(order_id)
            if now >= at and order_id in self._state.attempted and not (lock and lock.locked()):
                self._look_at[order_id] = now + _LOOK_AFTER_NS
                due.append(order)
        # An order that ended while a look-up was wanted (its fills are known to be missing) stays due too.
        for order_id in [i for i, at in self._look_at.items() if now >= at]:
            order = self._state.view.orders[order_id]
            if not order.is_open:
                self._look_at[order_id] = now + _LOOK_AFTER_NS
                due.append(order)
        return due[:10]

    async def _recover(self) -> None:
        for order in self._state.open_orders():
            if order.intent.order_id in self._state.attempted:
                self._uncertain.add(order.intent.order_id)
        while self._uncertain:
            orders = [self._state.view.orders[order_id] for order_id in sorted(self._uncertain)]
            await asyncio.gather(*(self._look(order) for order in orders[:10]))
            if self._uncertain:
                await asyncio.sleep(_TICK_S)
        while True:
            if await self._compare() and not self._check.mismatch:
                break
            await asyncio.sleep(1.0)
        self._started = True
        self._tell_ready()
        for order in self._state.open_orders():
            if order.intent.order_id not in self._state.attempted:  # received, never attempted
                await self._place(order.intent)
            elif order.state == OrderState.PENDING_CANCEL:
                self._spawn(self._cancel(order))

    async def _compare(self) -> bool:
        compared = await self._check.run()
        self._tell_ready()
        return compared

    # Small things

    def _report(self, event: OrderEvent) -> None:
        with self._journaling():
            self._state.report(event, self._clock())
        order = self._state.view.orders.get(event.order_id)
        if order is not None and not order.is_open:
            self._locks.pop(event.order_id, None)
            if not self._state.open_orders():
                self._flat.set()

    @contextlib.contextmanager
    def _journaling(self) -> Iterator[None]:
        """What cannot be written down is neither sent nor told: the gateway ends, and cancels what works."""
        try:
            yield
        except TickhouseError as error:
            if error.code is ExecutionCode.JOURNAL_WRITE_FAILED:
                self._mute = True
                self.on_failure(error)
            raise

    def _lock(self, order_id: str) -> asyncio.Lock:
        return self._locks.setdefault(order_id, asyncio.Lock())

    def _tell_ready(self) -> None:
        if self._told != self.why_not:
            self._told = self.why_not
            self.on_ready()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task failed", exc_info=error)
            self.on_failure(error)

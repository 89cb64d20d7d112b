"""trade: targets and reports to orders, through netting, sizing, the pre-trade checks, the OMS and its journal.

The only clock is the batch's; the only state is this step's own. The same inputs give the same orders with the
same ids, live and in a replay.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import structlog

from execution.errors import ExecutionCode
from execution.oms import Change, Oms
from execution.router import Router, Wanted
from infra.errors import ErrorCode, TickhouseError
from ledger.intent import Intent
from ledger.order import OrderEvent, OrderEventKind
from risk import limits as risk_limits
from risk.exposure import notional
from risk.level import Level, RiskEvent
from risk.limits import Limits
from risk.monitors import Monitor, level_of, usages
from risk.netting import net
from risk.pretrade import check
from risk.sizing import largest_order, size
from signals.target import Target
from streaming.account import Account
from streaming.batch import Batch
from streaming.errors import StreamCode
from streaming.input_log import GATEWAY_DOWN, GATEWAY_UP, Entry
from streaming.pauses import Pauses
from streaming.start import Start

log = structlog.get_logger()
_DAY_ROOT = math.sqrt(86_400.0)
_SECOND_NS = 1_000_000_000
_STATE_NS = 100_000_000     # positions and profit are told no more often: 20 instruments take 40 us
_PPM = 1_000_000


class Trade:
    """One portfolio on one account."""

    def __init__(self, start: Start, oms: Oms) -> None:
        self.raw_limits = start.limits
        limits = risk_limits.parse(start.limits)
        self.oms = oms
        self.account = Account(start, oms, limits)
        self._router = Router(start.account, start.portfolio)
        self._monitor = Monitor(limits)
        self._targets: dict[int, dict[str, Target]] = {}  # by instrument and strategy
        self._wanted: dict[int, Wanted] = {}
        self._pauses = Pauses()
        self.halted = start.halted
        self._stopping = False
        self.stores_up = False       # until the publisher has said so
        self._level = Level.INFO
        self._calm = True
        self._next_second = 0
        self._next_state = 0
        self._untold = False         # positions or orders have changed since they were told
        oms.note(start.ts, "session", start.session)
        if start.halted is not None:
            oms.note(start.ts, "halt", start.halted)

    def __call__(self, batches: list[Batch]) -> list[Batch]:
        """The same batches with frames for the gateway, risk events and answers to control."""
        for batch in batches:
            self._step(batch)
        return batches

    @property
    def idle(self) -> bool:
        """No order is open."""
        return self.oms.open_count() == 0

    def _step(self, batch: Batch) -> None:
        dirty: set[int] = set()
        for quote in batch.quotes:
            self.account.quotes[quote.instrument] = quote
            if quote.instrument in self._wanted:
                dirty.add(quote.instrument)
        if batch.inputs:
            self._hear(batch, dirty)
        for view in batch.views:
            self.account.volatility[view.instrument] = view.volatility * _DAY_ROOT
        if batch.targets:
            self._take(batch, dirty)
        if dirty and self.halted is None and not self._stopping and self.oms.ready:
            for instrument in sorted(dirty):
                self._trade(batch, instrument)
        self._untold |= batch.reported
        if self._untold and batch.ts >= self._next_state:
            self._untold, self._next_state = False, batch.ts + _STATE_NS
            batch.state = self.account.state(batch.ts)

    # What we hear

    def _hear(self, batch: Batch, dirty: set[int]) -> None:
        for kind, _, body in batch.inputs:
            if kind == Entry.GATEWAY:
                self._gateway(batch, body, dirty)
            elif kind == Entry.LINK:
                self._link(batch, body)
            elif kind == Entry.CONTROL:
                self._control(batch, body)
            elif kind == Entry.HEALTH:
                self._health(batch, body)
            elif kind == Entry.TIMER and batch.ts >= self._next_second:
                self._next_second = batch.ts + _SECOND_NS
                self._second(batch)
                dirty |= self._wanted.keys()
            elif kind == Entry.END:
                self._next_state = 0

    def _gateway(self, batch: Batch, body: bytes, dirty: set[int]) -> None:
        was_ready = self.oms.ready
        try:
            step = self.oms.on_message(body, batch.ts)
        except TickhouseError as error:
            if error.code not in (ExecutionCode.OMS_REPORT_GAP, ExecutionCode.GATEWAY_BAD_MESSAGE):
                raise
            self.oms.on_disconnect()
            batch.reconnect = True
            self._note(batch, Level.ERROR, error.code, detail=str(error))
            return
        batch.orders += step.send
        for change in step.changes:
            self._changed(batch, change, dirty)
        if self.oms.ready != was_ready:
            if not was_ready:
                self._note(batch, Level.INFO, StreamCode.ACCOUNT_READY)
                self._value(batch)
                self._want_all(batch, dirty)
                if self.halted is not None:
                    self._cancel_all(batch, "HALTED")
            else:
                self._note(batch, Level.WARNING, ExecutionCode.OMS_NOT_READY, detail=self.oms.why_not_ready())

    def _changed(self, batch: Batch, change: Change, dirty: set[int]) -> None:
        batch.reported = True
        event, order = change.event, change.order
        if isinstance(event, OrderEvent) and event.kind == OrderEventKind.FILL and (change.shares or order):
            batch.fills += 1
        if change.code is not None:
            self._note(
                batch, Level.ERROR, change.code, order.intent.instrument if order else 0, detail=change.detail
            )
        if order is None:
            return
        instrument = order.intent.instrument
        dirty.add(instrument)
        if not order.is_open and order.filled < order.qty:
            self._pauses.unfilled(instrument, batch.ts)

    def _link(self, batch: Batch, body: bytes) -> None:
        if body == GATEWAY_UP:
            batch.orders.append(self.oms.hello())
        elif body == GATEWAY_DOWN:
            self.oms.on_disconnect()
            self._note(batch, Level.WARNING, ExecutionCode.OMS_NOT_READY, detail="gateway disconnected")

    def _health(self, batch: Batch, body: bytes) -> None:
        health: dict[str, bool] = msgspec.json.decode(body)
        up = all(health.values())
        if up != self.stores_up:
            self.stores_up = up
            missing = " ".join(name for name, there in health.items() if not there)
            code = StreamCode.STORES_BACK if up else StreamCode.STORES_UNREACHABLE
            self._note(batch, Level.INFO if up else Level.ERROR, code, detail=missing)

    def _control(self, batch: Batch, body: bytes) -> None:
        message: dict[str, Any] = msgspec.json.decode(body)
        kind, cancels = message["kind"], 0
        if kind == "halt":
            if self.halted is None:
                self.halted = str(message["reason"])
                self.oms.note(batch.ts, "halt", self.halted)
                self._note(batch, Level.ERROR, StreamCode.TRADING_HALTED, detail=self.halted)
            cancels = self._cancel_all(batch, "HALTED")
        elif kind == "resume":
            if self.halted is not None:
                self.oms.note(batch.ts, "resume", self.halted)
                self._note(batch, Level.INFO, StreamCode.TRADING_RESUMED)
            self.halted = None
        elif kind == "stop":
            self._stopping = True
            self.oms.note(batch.ts, "session_ends", f"reason={message['reason']} feature_digest={batch.digest}")
            self._cancel_all(batch, "FLOW_ENDS")
        elif kind == "limits":
            self.raw_limits = message["limits"]
            self._limits(batch, risk_limits.parse(self.raw_limits))
        if "id" in message:
            reply = {"id": message["id"], "halted": self.halted, "cancels": cancels}
            batch.replies.append(msgspec.json.encode(reply))

    def _limits(self, batch: Batch, limits: Limits) -> None:
        self.account.set_limits(limits)
        self._monitor = Monitor(limits)
        self._note(batch, Level.INFO, StreamCode.LIMITS_LOADED)
        self._want_all(batch, set())

    def _second(self, batch: Batch) -> None:
        """Money, exposure and limits, once a second."""
        account = self.account
        for instrument in account.quotes:
            account.expose(instrument)
        self._value(batch)
        batch.reported = True
        equity, peak, day_pnl = account.equity, account.peak, account.day_pnl
        if equity is None or peak is None or day_pnl is None or not self.oms.ready:
            return
        used = usages(account.limits, account.exposure, equity, peak, day_pnl)
        batch.notes += self._monitor.update(batch.ts, used)
        self._level = max(level_of(usage, account.limits.warning_at) for usage in used)
        calm = not self.oms.unresolved(batch.ts)
        if calm != self._calm:
            self._calm = calm
            if not calm:
                self._note(batch, Level.WARNING, StreamCode.NEW_RISK_SUSPENDED)

    def _value(self, batch: Batch) -> None:
        mark = self.account.value(batch.ts)
        if mark is not None:
            self.oms.note(batch.ts, "day", msgspec.json.encode(mark).decode())

    # What we do

    def _want_all(self, batch: Batch, dirty: set[int]) -> None:
        for instrument in sorted(self._targets):
            self._want(batch, instrument)
        dirty |= self._wanted.keys()

    def _take(self, batch: Batch, dirty: set[int]) -> None:
        changed = set()
        for target in batch.targets:
            self._targets.setdefault(target.instrument, {})[target.strategy] = target
            changed.add(target.instrument)
        for instrument in sorted(changed):
            self._want(batch, instrument)
            self._pauses.other_wish(instrument, batch.ts)
        dirty |= changed

    def _want(self, batch: Batch, instrument: int) -> None:
        """Nets and sizes the standing targets; a position that cannot be sized keeps the wish before it."""
        account = self.account
        targets = self._targets[instrument].values()
        netted = net(targets, account.limits).get(instrument)
        rules, mid = account.rules.get(instrument), account.mid(instrument)
        if account.equity is None:
            self._value(batch)
        known = mid and account.equity is not None and self.oms.ready
        if netted is None or rules is None or not (known or netted.risk_units == 0.0):
            return
        qty = size(
            netted.risk_units, account.equity or 0, account.volatility.get(instrument, math.nan), account.limits,
            account.instruments[instrument], rules, self._worst(mid),
        ) if netted.risk_units else 0  # fmt: skip
        cause = " ".join(f"{target.strategy}:{target.cause}" for target in targets)
        self._wanted[instrument] = Wanted(instrument, qty, netted.shares, cause[:120])

    def _trade(self, batch: Batch, instrument: int) -> None:
        wanted = self._wanted.get(instrument)
        rules = self.account.rules.get(instrument)
        quote = self.account.quotes.get(instrument)
        if wanted is None or rules is None or quote is None:
            return
        position = self.oms.position(instrument)
        settled = not self.oms.working(instrument)
        if settled and wanted.qty == position and self._level < Level.CRITICAL:
            return
        goal = self._allowed(wanted.qty, position, instrument)
        if settled and goal == position:
            return
        if self._pauses.waits(instrument, batch.ts):
            reducing = position != 0 and (position * goal <= 0 or abs(goal) < abs(position))
            if not (reducing and self._pauses.was_refused(instrument)):  # a refusal of new risk locks nobody in
                return
        if goal != wanted.qty:
            wanted = msgspec.structs.replace(wanted, qty=goal)
        seq = self.oms.next_decision_seq
        plan = self._router.plan(self.oms, wanted, rules, quote.bid, quote.ask, batch.ts, seq)
        for order_id in plan.cancels:
            batch.orders.append(self.oms.cancel(order_id, batch.ts, "REPLACED"))
        for intent in plan.intents:
            if not self._submit(batch, intent):
                break

    def _allowed(self, goal: int, position: int, instrument: int) -> int:
        """The goal under what stands now: flat after a stop, no new risk while something is wrong, slice by slice."""
        if self._level >= Level.CRITICAL:
            return 0
        if self._level >= Level.ERROR or not self._calm or not self.stores_up:
            if goal * position <= 0:
                return 0 if position else position
            return goal if abs(goal) < abs(position) else position
        account = self.account
        life, rules = account.instruments[instrument], account.rules[instrument]
        worst = self._worst(account.mid(instrument))
        limits = account.limits.instrument(life.symbol)
        if notional(life, worst, abs(goal - position)) <= limits.max_order_notional:
            return goal
        largest = largest_order(limits, life, rules, worst)
        if abs(goal - position) <= largest:
            return goal
        if goal * position < 0:
            return 0
        return position + (largest if goal > position else -largest) if abs(goal) > abs(position) else goal

    def _worst(self, mid: int) -> int:
        """What the checks may value a position at: a buy's limit price lies a collar beyond the far side."""
        return mid * (_PPM + 2 * self._router.collar_ppm) // _PPM

    def _submit(self, batch: Batch, intent: Intent) -> bool:
        context = self.account.context(intent.instrument, intent.strategy, batch.ts, halted=self.halted is not None)
        verdict = check(intent, context)
        if not verdict.allowed:
            code = verdict.code
            self.oms.deny(intent, str(code), batch.ts)
            self._pauses.refused(intent.instrument, batch.ts)
            batch.denied += 1
            if code is not None:
                batch.notes.append(
                    RiskEvent(batch.ts, verdict.level, code, intent.instrument, intent.strategy, verdict.numbers)
                )
            return False
        batch.orders.append(self.oms.submit(intent))
        batch.order_ids.append(intent.order_id)
        self._pauses.sent(intent.instrument)
        self.account.sent(batch.ts)
        return True

    def _cancel_all(self, batch: Batch, code: str) -> int:
        frames = [
            self.oms.cancel(order.intent.order_id, batch.ts, code)
            for instrument in self.account.instruments
            for order in list(self.oms.open_orders(instrument))
        ]
        sent = [frame for frame in frames if frame]
        batch.orders += sent
        return len(sent)

    # What we tell

    def _note(self, batch: Batch, level: Level, code: ErrorCode, instrument: int = 0, *, detail: str = "") -> None:
        numbers = (("detail", detail),) if detail else ()
        batch.notes.append(RiskEvent(batch.ts, level, code, instrument, "", numbers))

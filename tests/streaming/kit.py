"""A shard in this process: the real steps, the real journal and input log, and a gateway played by the test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from execution.link import Unframer
from execution.messages import Cancel, CashKind, CashMove, Hello, Report, Standing, Welcome, decode_message, encode
from execution.oms import Oms
from infra import toml_file
from infra.home import Home
from ledger.intent import Intent
from ledger.order import Liquidity, OrderEvent, OrderEventKind
from signals.strategies.protocol import View
from signals.target import Target
from streaming.batch import Batch
from streaming.bench import frames
from streaming.engine import Engine, ModelReader
from streaming.input_log import GATEWAY_DOWN, GATEWAY_UP, Entry, Input, InputLog, WakeUp, pack_frames
from streaming.session import limits_file
from streaming.start import ModelRef, Start
from streaming.track import SNAPSHOT
from streaming.warm import of

T0 = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
ACCOUNT = "test"


@dataclass
class Wish:
    """A strategy that asks for what the test says at the next trade of an instrument."""

    name: str = "momentum"
    next: dict[int, float] = field(default_factory=dict)

    def decide(self, view: View) -> Target | None:
        units = self.next.pop(view.instrument, None)
        return None if units is None else Target(self.name, view.instrument, units, view.ts, "test")


@dataclass
class Gateway:
    """Accepts and fills at the order's price; `hold` keeps orders open."""

    hold: bool = False
    number: int = 0
    deposit: int = 100_000
    intents: list[Intent] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)
    reports: list[bytes] = field(default_factory=list)

    def answer(self, data: bytes) -> list[bytes]:
        """Payloads that answer the frames in `data`."""
        out: list[bytes] = []
        for payload in Unframer().feed(data):
            message = decode_message(payload)
            if isinstance(message, Hello):
                if not self.reports:
                    self.report(CashMove(CashKind.DEPOSIT, "begin", T0, "USDT", self.deposit * 10**8))
                known = {intent.order_id for intent in self.intents}
                unknown = sorted(set(message.open_orders) - known)
                out.append(encode(Welcome(message.account, "test", self.number, unknown)))
                out += self.reports[message.last_report :]
                out.append(self.standing())
            elif isinstance(message, Intent):
                out += self.take(message)
            elif isinstance(message, Cancel):
                self.cancels.append(message)
                out.append(self.report(OrderEvent(OrderEventKind.CANCELLED, message.order_id, T0)))
        return out

    def take(self, intent: Intent) -> list[bytes]:
        assert intent.order_id not in {known.order_id for known in self.intents}, "sent twice"
        self.intents.append(intent)
        out = [self.report(OrderEvent(kind, intent.order_id, T0)) for kind in (
            OrderEventKind.SUBMITTED, OrderEventKind.ACCEPTED)]  # fmt: skip
        if not self.hold:
            out.append(self.report(OrderEvent(
                OrderEventKind.FILL, intent.order_id, T0, trade_id=intent.order_id, price=intent.price,
                qty=intent.qty, fee=100, fee_asset="USDT", liquidity=Liquidity.TAKER,
            )))  # fmt: skip
            self.positions[intent.instrument] = (
                self.positions.get(intent.instrument, 0) + intent.sign * intent.qty
            )
        return out

    def report(self, body: OrderEvent | CashMove) -> bytes:
        self.number += 1
        self.reports.append(encode(Report(self.number, T0, body)))
        return self.reports[-1]

    def standing(self, *, ready: bool = True) -> bytes:
        held = sorted((i, qty) for i, qty in self.positions.items() if qty)
        return encode(Standing(self.number, T0, ready, "" if ready else "ORDERS_UNSETTLED", held, []))


class Rig:
    """One session; `clock` moves a millisecond a wake-up."""

    def __init__(
        self, root: Path, *, session: str = "s1", gateway: Gateway | None = None, halted: str | None = None,
        clock: int = T0, lives: int = 2, model: ModelRef | None = None, read_model: ModelReader = lambda _ref: b"",
    ) -> None:
        self.home = Home(root)
        self.lives = frames.instruments(lives)
        self.clock = clock
        self.gateway = gateway or Gateway()
        folder = self.home.journal(ACCOUNT)
        self.oms = Oms.open(folder, self.lives, ACCOUNT)
        self.start = Start(
            session=session, ts=self.clock, venue="binance", account=ACCOUNT, portfolio="main", instruments=self.lives,
            rules=frames.rules(self.lives), strategies=("momentum",), feature_group="flow", feature_version=1,
            limits=toml_file.read(limits_file()), model=model, halted=halted, journal_seq=self.oms.journal_seq,
            day_mark=None,
        )  # fmt: skip
        self.log = InputLog(self.home.input_log(session))
        self.strategy = Wish()
        self.engine = Engine.build(self.start, self.oms, read_model, [self.strategy])
        self.trade_ids = dict.fromkeys((life.id for life in self.lives), 0)
        self.batches: list[Batch] = []
        self.run(Input(Entry.START, self.clock, self.start.encode()))

    def run(self, *inputs: Input, ms: int = 1) -> Batch:
        """One wake-up, then the gateway's answers as further ones; the first batch."""
        self.clock += ms * 1_000_000
        wake = WakeUp(self.clock, list(inputs))
        self.log.append(wake)
        batch = self.engine.run(wake)
        self.batches.append(batch)
        answers = self.gateway.answer(b"".join(batch.orders)) if batch.orders else []
        if answers:
            self.run(*(Input(Entry.GATEWAY, self.clock, answer) for answer in answers))
        return batch

    def frames(self, *payloads: bytes) -> Batch:
        """One wake-up with these websocket messages."""
        return self.run(Input(Entry.FRAMES, self.clock, pack_frames(of(list(payloads), self.clock))))

    def control(self, **message: object) -> Batch:
        return self.run(Input(Entry.CONTROL, self.clock, json.dumps(message).encode()))

    def health(self, *, up: bool = True) -> Batch:
        return self.run(Input(Entry.HEALTH, self.clock, json.dumps({"clickhouse": up, "redis": True}).encode()))

    def timer(self, ms: int = 1000) -> Batch:
        return self.run(Input(Entry.TIMER, self.clock, b""), ms=ms)

    def feed(self, *, up: bool = True) -> Batch:
        body = json.dumps({"up": up, "connection": 0, "reason": ""}).encode()
        return self.run(Input(Entry.FEED, self.clock, body))

    def link(self, *, up: bool = True) -> Batch:
        return self.run(Input(Entry.LINK, self.clock, GATEWAY_UP if up else GATEWAY_DOWN))

    def open(self) -> Rig:
        """Everything up: feed, books, quotes, stores, gateway, and volatility known."""
        self.feed()
        self.health()
        self.link()
        for life in self.lives:
            body = SNAPSHOT.pack(life.id) + frames.snapshot()
            self.run(Input(Entry.SNAPSHOT, self.clock, body))
            self.quote(life.id)
            self.trade(life.id, "100.00")
            self.trade(life.id, "100.10", ms=5000)
            self.quote(life.id)
        self.timer()
        for life in self.lives:
            self.quote(life.id)
        assert self.oms.ready
        return self

    def quote(self, instrument: int, bid: str = "99.99", ask: str = "100.01") -> Batch:
        name = self.lives[instrument - 1].venue_symbol
        return self.frames(
            f'{{"e":"bookTicker","u":1,"E":1,"T":{self.clock // 10**6},"s":"{name}","b":"{bid}","B":"1","a":"{ask}",'
            f'"A":"1"}}'.encode()
        )

    def trade_frame(self, instrument: int, price: str = "100.00", number: int = 0, ts_ms: int = 0) -> bytes:
        if not number:
            self.trade_ids[instrument] += 1
            number = self.trade_ids[instrument]
        name = self.lives[instrument - 1].venue_symbol
        ts_ms = ts_ms or self.clock // 10**6
        return (
            f'{{"e":"aggTrade","E":1,"a":{number},"s":"{name}","p":"{price}","q":"0.5","f":1,"l":1,"T":{ts_ms},'
            f'"m":false}}'.encode()
        )

    def trade(self, instrument: int, price: str = "100.00", ms: int = 1) -> Batch:
        self.clock += ms * 1_000_000
        return self.frames(self.trade_frame(instrument, price))

    def want(self, instrument: int, units: float) -> Batch:
        """The strategy asks for this at a trade that comes now."""
        self.strategy.next[instrument] = units
        return self.trade(instrument)

    def end(self) -> None:
        self.control(kind="stop", reason="test")
        self.run(Input(Entry.END, self.clock, b"test"))
        self.close()

    def close(self) -> None:
        self.log.close()
        self.oms.close()

    @property
    def codes(self) -> list[str]:
        return [note.code.name for batch in self.batches for note in batch.notes]

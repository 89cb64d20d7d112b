"""Tick to order through the whole flow, against the same steps in a bare loop.

A tick is timed when the other process hands its bytes to the socket, its order when the gateway's socket has taken
it: input log and order journal are written, the model has run, the pre-trade checks have passed. Both processes
have a core of their own where there are two.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from execution.oms import Oms
from infra import toml_file
from infra.settings import PROJECT
from signals.strategies.protocol import View
from signals.target import Target
from streaming.batch import Batch
from streaming.bench import frames, model
from streaming.bench.orders import Desk
from streaming.engine import Engine
from streaming.inlet import Inlet, InletSource, Stop, UnderWay
from streaming.input_log import Entry, Input, InputLog, WakeUp
from streaming.lines import FeedLine, GatewayLine, SideLine
from streaming.metrics import Stats
from streaming.rehearsal import Rehearsal
from streaming.replay import read_model
from streaming.session import limits_file
from streaming.sink import Outlet, OutletSink
from streaming.start import Start
from streaming.track import SNAPSHOT
from streaming.warm import warm
from venues.websocket import StreamLink

Drive = Callable[[Engine, Inlet, Outlet], None]
RATES = (1_000, 10_000, 100_000)
_DECISIONS = 500  # a second, about: an order each
_MUCH = "1000000000 USDT"


def roomy_limits() -> dict[str, Any]:
    """The limits of config/ with room for everything: all checks run, none refuses."""
    raw = toml_file.read(limits_file())
    raw["portfolio"] |= {
        "max_gross_exposure": _MUCH, "max_leverage": "100 x", "max_daily_loss": _MUCH, "max_drawdown": "100 %",
        "max_order_rate": "1000000 /s",
    }  # fmt: skip
    for group in ("venue", "asset_class", "sector"):
        for place in raw.get(group, {}).values():
            place["max_gross_exposure"] = _MUCH
    raw["instrument"] = {
        "default": raw["instrument"]["default"]
        | {"max_order_notional": "1000000 USDT", "max_position": "10000 USDT", "price_collar": "500 bps",
           "max_quote_age": "60 s"}
    }  # fmt: skip
    raw["strategy"] = {"default": raw["strategy"]["default"] | {"weight": "100 %", "max_gross_exposure": _MUCH}}
    return raw


@dataclass(slots=True)
class Flip:
    """Opens or closes its position at every k-th trade of an instrument: one order each time."""

    every: int
    name: str = "flip"
    _seen: dict[int, int] = field(default_factory=dict)
    _units: dict[int, float] = field(default_factory=dict)

    def decide(self, view: View) -> Target | None:
        """A target at every k-th trade; its cause is that trade's id."""
        before = self._seen.get(view.instrument, 0)
        after = self._seen[view.instrument] = before + len(view.trades)
        if before // self.every == after // self.every:
            return None
        trade = view.trades[after // self.every * self.every - before - 1]
        units = self._units[view.instrument] = 0.5 - self._units.get(view.instrument, 0.0)
        return Target(self.name, view.instrument, units, view.ts, str(int(trade["seq"])))


@dataclass
class TimedOutlet(Outlet):
    """The sink with a stop-watch."""

    stop: Stop = field(default_factory=Stop)
    wanted: int = 0
    finished: int = 0
    handed: list[tuple[int, int, int]] = field(default_factory=list)  # instrument, trade id, ns

    def _orders(self, batch: Batch) -> None:
        super()._orders(batch)
        if batch.order_ids and batch.targets:
            now = time.time_ns()
            self.handed += [(target.instrument, int(target.cause), now) for target in batch.targets]

    def _count(self, batch: Batch) -> None:
        super()._count(batch)
        if self.stats.frames >= self.wanted and not self.finished:
            self.finished = time.time_ns()
            self.stop.wanted = True


@dataclass(frozen=True, slots=True)
class Case:
    """One run."""

    rate: int              # asked for; 0 for as fast as possible
    frames: int
    seconds: float         # from the first frame sent to the last one processed
    orders: int
    p50_us: float
    p99_us: float
    behind_ms: float       # the last frame was processed so long after the schedule's end; 0 without a rate

    @property
    def sustained(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds


class Bench:
    """A venue process and the cases run against it."""

    def __init__(self, folder: Path, instruments: int, most: int) -> None:
        self._folder = folder
        self._lives = frames.instruments(instruments)
        self._model = model.make()
        self._trades = frames.script(self._lives, most).trade_frame
        self._venue = subprocess.Popen(
            [sys.executable, "-m", "streaming.bench.venue", str(folder), str(instruments), str(most)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT,
        )  # fmt: skip
        assert self._venue.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        self._port = int(self._venue.stdout.readline())
        self._cases = 0
        start = self._start("warm")
        warm(start, read_model, [Flip(1)])

    def close(self) -> None:
        """Ends the venue."""
        if self._venue.stdin is not None:
            self._venue.stdin.close()
        self._venue.wait(20)

    def run(self, rate: int, count: int, drive: Drive) -> Case:
        """One case on a fresh session; `drive` runs the steps until the inlet ends."""
        assert self._venue.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        number, self._cases = self._cases, self._cases + 1
        self._venue.stdin.write(f"{rate} {count}\n")
        self._venue.stdin.flush()
        home = self._folder / str(number)
        start = self._start(str(number))
        oms = Oms.open(home / "journal", start.instruments, start.account)
        every = max(1, (rate or 300_000) * 35 // 100 // _DECISIONS)
        engine = Engine.build(start, oms, read_model, [Flip(every)])
        stop, under_way = Stop(), UnderWay()
        link = StreamLink([f"ws://127.0.0.1:{self._port}/stream"])
        gateway = GatewayLine(self._folder / "gateway.sock")
        publisher = SideLine(self._folder / "publisher.sock", lambda: b"{}")
        control = SideLine(self._folder / "nobody.sock", lambda: b"{}")
        outlet = TimedOutlet(gateway, publisher, control, under_way, Stats(), stop=stop, wanted=count)
        log = InputLog(home / "input_log")
        first = [Input(Entry.START, start.ts, start.encode())]
        first += [Input(Entry.SNAPSHOT, start.ts, SNAPSHOT.pack(life.id) + frames.snapshot()) for life in self._lives]
        feed = FeedLine(link)
        inlet = Inlet(
            feed=feed, lines=(gateway, publisher), log=log, stop=stop, idle=lambda: True, wait=feed.wait,
            under_way=under_way, busy_poll=True, rehearse=Rehearsal(start, engine), first=[WakeUp(start.ts, first)],
        )  # fmt: skip
        gc.collect()
        gc.freeze()
        with own_core():
            drive(engine, inlet, outlet)
        gc.unfreeze()
        link.close()
        log.close()
        oms.close()
        for line in (gateway, publisher):
            line.link.drop(0)
        case = self._measure(rate, count, number, outlet)
        shutil.rmtree(home)
        return case

    def orders(self, decisions: int) -> tuple[float, float]:
        """Orders a second through the trade step alone, with a journal on the disk and with none."""
        start = self._start("orders")
        with own_core():
            return Desk(start, self._folder / "orders").run(decisions), Desk(start, None).run(decisions)

    def _measure(self, rate: int, count: int, number: int, outlet: TimedOutlet) -> Case:
        sent = self._sent(number)
        taken = [ns - int(sent[self._trades[instrument, trade]]) for instrument, trade, ns in outlet.handed]
        late = np.array(taken[len(taken) // 10 :] or [0]) / 1000.0  # the first tenth warms caches and branch tables
        seconds = (outlet.finished - int(sent[0])) / 1e9
        p50, p99 = np.percentile(late, [50, 99])
        # The schedule as the sender met it at its best, so that a sender held up by a slow flow does not hide it.
        planned = np.arange(count) * (1e9 / rate) if rate else sent
        behind = outlet.finished - planned[-1] - float(np.min(sent - planned))
        return Case(rate, count, seconds, len(taken), float(p50), float(p99), behind / 1e6 if rate else 0.0)

    def _sent(self, number: int) -> NDArray[np.int64]:
        path = self._folder / f"{number}.npy"
        deadline = time.monotonic() + 10.0
        while True:
            try:
                times: NDArray[np.int64] = np.load(path)
                return times
            except (FileNotFoundError, ValueError, EOFError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _start(self, session: str) -> Start:
        return Start(
            session=session, ts=time.time_ns(), venue="binance", account="bench", portfolio="bench",
            instruments=self._lives, rules=frames.rules(self._lives), strategies=("flip",), feature_group="flow",
            feature_version=1, limits=roomy_limits(), model=self._model, halted=None, journal_seq=0, day_mark=None,
        )  # fmt: skip


def with_bytewax(engine: Engine, inlet: Inlet, outlet: Outlet) -> None:
    """The flow as `streaming.flow` builds it."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.testing import run_main

    dataflow = Dataflow("bench")
    wakes = op.input("inlet", dataflow, InletSource(inlet))
    batches = op.flat_map_batch("decode", wakes, engine.decode)
    tracked = op.flat_map_batch("track", batches, engine.track)
    decided = op.flat_map_batch("decide", tracked, engine.decide)
    traded = op.flat_map_batch("trade", decided, engine.trade)
    op.output("sink", traded, OutletSink(outlet))
    run_main(dataflow)  # type: ignore[no-untyped-call]  # bytewax states no types here


def bare(engine: Engine, inlet: Inlet, outlet: Outlet) -> None:
    """The same steps called one after the other."""
    while True:
        try:
            wakes = inlet.next_batch()
        except StopIteration:
            return
        if wakes:
            outlet.write_batch(engine.trade(engine.decide(engine.track(engine.decode(wakes)))))


@contextmanager
def own_core() -> Iterator[None]:
    """Keeps this thread on the last core, away from the venue's, where there are two."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(*, seconds: float, fastest: int, instruments: int = 20) -> dict[str, Any]:
    """The JSON object of the benchmark: each rate for so many seconds, then `fastest` frames as fast as they go."""
    most = max(fastest, int(RATES[-1] * seconds))
    load = os.getloadavg()
    folder = Path(tempfile.mkdtemp(prefix="tickhouse-bench-"))
    bench = Bench(folder, instruments, most)
    try:
        results: list[dict[str, Any]] = []
        for rate in RATES:
            count = int(rate * seconds)
            goal = 60.0 if rate <= 10_000 else 100.0
            flow, base = bench.run(rate, count, with_bytewax), bench.run(rate, count, bare)
            name = f"tick_to_order_{rate}_per_s"
            results += [
                _result(f"{name}_p50", flow.p50_us, "us", goal, base.p50_us),
                _result(f"{name}_p99", flow.p99_us, "us", 250.0, base.p99_us),
                _result(f"{name}_sustained", flow.sustained, "messages/s", rate * 0.95, base.sustained, lower=False),
                _result(f"kept_up_{rate}_per_s", flow.behind_ms, "ms behind the sender's schedule at its end", 50.0,
                        base.behind_ms),
            ]  # fmt: skip
        flow, base = bench.run(0, fastest, with_bytewax), bench.run(0, fastest, bare)
        results.append(_result("sustained", flow.sustained, "messages/s", 300_000.0, base.sustained, lower=False))
        decided, unwritten = bench.orders(fastest // 20)
        results.append(_result("orders", decided, "orders/s", 10_000.0, unwritten, lower=False))
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    return {"bench": "hotpath", "revision": _revision(), "machine": _machine(load), "results": results}


def _result(
    name: str, value: float, unit: str, goal: float, baseline: float, *, lower: bool = True
) -> dict[str, Any]:
    return {
        "name": name, "value": round(value, 2), "unit": unit, "goal": goal,
        "better": "lower" if lower else "higher", "baseline": round(baseline, 2),
        "ratio": round(value / baseline, 3) if baseline else None,
    }  # fmt: skip


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _machine(load: tuple[float, ...]) -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
    averages = {"before": [round(one, 2) for one in load], "after": [round(one, 2) for one in os.getloadavg()]}
    return {"cpu": cpu, "cores": os.cpu_count(), "python": sys.version.split()[0], "load_average": averages}

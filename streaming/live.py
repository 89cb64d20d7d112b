"""Puts one live session together: lock, stores, side processes, engine, sockets, and takes it apart again."""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from execution.link import socket_path
from execution.oms import Oms
from infra import logging as logs
from infra.home import Home
from infra.settings import Settings
from streaming import session
from streaming.engine import Engine
from streaming.feed_watch import FeedWatch
from streaming.inlet import Inlet, Stop, UnderWay
from streaming.input_log import CONTROL_UP, InputLog
from streaming.lines import FeedLine, GatewayLine, SideLine
from streaming.messages import control_socket, publisher_socket
from streaming.metrics import Stats
from streaming.processes import Side, Supervisor, only_one
from streaming.rehearsal import Rehearsal
from streaming.replay import read_model
from streaming.sink import Outlet
from streaming.warm import warm
from venues.binance.codec import connections, subscriptions
from venues.exchange import websocket_base
from venues.websocket import StreamLink

log = structlog.get_logger()


@dataclass
class Live:
    """One session's parts."""

    engine: Engine
    inlet: Inlet
    outlet: Outlet

    @classmethod
    def start(cls, settings: Settings) -> Live:
        """Everything up and recorded; errors say what is missing, and leave nothing running."""
        with ExitStack() as undo:
            live = cls._start(settings, undo)
            live.inlet.ending = undo.pop_all()
            return live

    @classmethod
    def _start(cls, settings: Settings, undo: ExitStack) -> Live:
        home = Home(settings.home)
        logs.configure("flow", folder=home.logs, secrets=logs.secrets_of(settings))
        undo.enter_context(only_one(home, "flow"))
        sandbox_url = settings.sandbox_url if settings.venue.sandbox else ""
        base = websocket_base(settings.venue.name, sandbox_url or None)
        start, first = session.begin(settings, home)
        warm(start, read_model)  # before the gateway is there: it does not wait long for a flow
        supervisor = Supervisor(home, sides(settings, home))
        undo.callback(supervisor.stop)
        supervisor.start()
        input_log = InputLog(home.input_log(start.session))
        undo.callback(input_log.close)
        input_log.append(first)
        oms = Oms.open(home.journal(start.account), start.instruments, start.account)
        undo.callback(oms.close)
        engine = Engine.build(start, oms, read_model)
        trade = engine.trade

        def hello() -> bytes:
            model = start.model.sha256 if start.model is not None else ""
            fields = {
                "session": start.session, "halted": trade.halted, "limits": trade.raw_limits, "model": model,
            }  # fmt: skip
            return json.dumps(fields).encode()

        urls = connections(base, subscriptions(start.instruments), "linear")
        link = StreamLink(urls)
        undo.callback(link.close)
        feed = FeedLine(link)
        gateway = GatewayLine(socket_path(home, start.account))
        control = SideLine(control_socket(home), hello, up=CONTROL_UP)
        publisher = SideLine(publisher_socket(home), hello, down=b'{"publisher":false}')
        stats = Stats(session=start.session, started=time.time_ns())
        under_way = UnderWay()
        outlet = Outlet(gateway, publisher, control, under_way, stats)
        stop = Stop()
        _on_signals(stop)
        feed_watch = FeedWatch(settings, sandbox_url, stop)
        seconds = float(os.environ.get("TICKHOUSE_RUN_SECONDS") or 0)

        def refresh() -> None:
            stats.restarts = supervisor.restarts
            stats.feed_up, stats.halted, stats.ready = link.up, trade.halted is not None, oms.ready
            stats.stores_up, stats.working = trade.stores_up, oms.open_count()

        def housekeeping(now: int) -> None:
            supervisor.watch(now)
            feed_watch(now, up=link.up)
            refresh()

        def summary() -> None:
            refresh()  # housekeeping may be a second old
            path = session.write_summary(home, stats.summary() | {"folder": str(input_log.folder)})
            log.info("session ended", reason=stop.reason, summary=str(path), orders=stats.orders, fills=stats.fills)

        undo.callback(summary)
        inlet = Inlet(
            feed=feed, lines=(gateway, control, publisher), log=input_log, stop=stop, idle=lambda: trade.idle,
            wait=feed.wait, under_way=under_way, housekeeping=housekeeping, busy_poll=settings.live.busy_poll,
            rehearse=Rehearsal(start, engine) if settings.live.busy_poll else None,
            first=[first],
        )  # fmt: skip
        gc.collect()
        gc.freeze()
        if seconds:
            stop.at = time.time_ns() + int(seconds * 1e9)
        log.info("flow starts", session=start.session, instruments=len(start.instruments), log=str(input_log.folder))
        return cls(engine, inlet, outlet)


def sides(settings: Settings, home: Home) -> tuple[Side, ...]:
    """The processes beside the flow."""
    gateway = socket_path(home, settings.live.account)
    return (
        Side("gateway", "execution.gateways", gateway, outlives=True, arguments=("--die-with-flow",)),
        Side("publisher", "streaming.publisher", publisher_socket(home)),
        Side("control", "streaming.control", control_socket(home)),
    )


def _on_signals(stop: Stop) -> None:
    def handle(number: int, _frame: object) -> None:
        stop.reason = signal.Signals(number).name
        stop.wanted = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)

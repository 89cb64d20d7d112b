"""`python -m execution.gateways`: the process between the flow and one venue account."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

import structlog

from execution.errors import ExecutionCode
from execution.gateways import universe
from execution.gateways.clock import watch_clock
from execution.gateways.desk import Desk
from execution.gateways.metrics import MeteredPort, watch
from execution.gateways.port import Port
from execution.gateways.server import GatewayServer
from execution.gateways.state import GatewayState
from execution.gateways.universe import Universe
from execution.link import gateway_journal, socket_path
from infra import logging as logs
from infra import settings as configuration
from infra.errors import TickhouseError
from infra.home import Home
from infra.metrics import Metrics, serve
from infra.settings import Gateway, Settings

log = structlog.get_logger()
# The sandbox exchange's own default key; a real venue's key comes from the environment.
_SANDBOX_KEY = ("sandbox-key", "sandbox-secret")


def main() -> int:
    """Runs until SIGTERM or SIGINT; 2 where it could not start or had to stop, with the reason on stderr."""
    settings = configuration.load()
    options = _parser(settings).parse_args()
    home = Home(settings.home)
    logs.configure(f"gateway-{options.account}", folder=home.logs, secrets=logs.secrets_of(settings))
    socket = socket_path(home, options.account)
    try:
        lives = universe.load(settings)
        where = "sandbox" if settings.venue.sandbox else "live"
        identity = f"{options.kind} {settings.venue.name} {where}"
        state = _state(options.account, lives, gateway_journal(home, options.account), identity)
        socket.parent.mkdir(parents=True, exist_ok=True)
        socket.unlink(missing_ok=True)  # whoever holds the journal is alone: a socket found here is nobody's
        code = asyncio.run(_serve(settings, options, lives, state, socket))
        socket.unlink(missing_ok=True)
        return code
    except TickhouseError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _state(account: str, lives: Universe, folder: Path, identity: str) -> GatewayState:
    try:
        return GatewayState(account, lives.instruments, folder, identity)
    except TickhouseError as error:
        if error.code is ExecutionCode.JOURNAL_BUSY:
            raise TickhouseError(ExecutionCode.GATEWAY_RUNNING, account=account) from error
        raise


async def _serve(
    settings: Settings, options: argparse.Namespace, lives: Universe, state: GatewayState, socket: Path
) -> int:
    metrics = Metrics("gateway")
    home = Home(settings.home)
    port = MeteredPort(_port(settings, options.kind, lives, state), metrics)
    desk = Desk(state, port, halted=home.halt.exists)
    watch(metrics, state, desk)
    endpoint = serve(metrics, home, f"gateway-{options.account}")
    server = GatewayServer(state, desk, options.kind, dead_man_s=options.dead_man)
    ended = asyncio.Event()
    failures: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failures.append(error)
        ended.set()

    desk.on_failure = fail
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await server.start(socket)
    desk.start()
    torn = state.journal.torn_bytes
    log.info("gateway serves", account=options.account, kind=options.kind, socket=str(socket), torn_bytes=torn)
    # A sandbox that runs faster, or late, has a clock of its own.
    own_time = settings.venue.sandbox and (settings.sandbox.speed != 1.0 or settings.sandbox.lag_s != 0.0)
    clock = None if own_time else asyncio.create_task(watch_clock(port, metrics))
    orphaned = asyncio.create_task(server.orphaned.wait())
    stopped = asyncio.create_task(ended.wait())
    reasons = [stopped, orphaned] if options.die_with_flow else [stopped]
    await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
    orphaned.cancel()
    stopped.cancel()
    if clock is not None:
        clock.cancel()
    await desk.stop()
    await server.stop()
    endpoint.withdraw()
    state.close()
    log.info("gateway ended", open_orders=len(state.open_orders()))
    if failures:
        first = failures[0]
        sys.stderr.write(f"{first}\n" if isinstance(first, TickhouseError) else f"{first!r}\n")
    return 2 if failures else 0


def _port(settings: Settings, kind: str, lives: Universe, state: GatewayState) -> Port:
    sandbox_url = settings.sandbox_url if settings.venue.sandbox else None
    if kind == Gateway.CCXT:
        from execution.gateways.ccxt_port import CcxtPort, make_pro_exchange

        key = settings.venue.api_key.get_secret_value(), settings.venue.api_secret.get_secret_value()
        if sandbox_url is not None and not key[0]:
            key = _SANDBOX_KEY
        make = partial(make_pro_exchange, settings.venue.name, sandbox_url, *key, "linear")
        return CcxtPort(make, lives.instruments)
    from execution.gateways.paper_port import PaperPort

    deposit = int(settings.live.paper_deposit.scaleb(8))
    return PaperPort(settings.venue.name, sandbox_url, lives, state, deposit)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m execution.gateways",
        description="Stands between the flow and one venue account; sends each order once and proves its fate.",
    )
    add = parser.add_argument
    add("--account", default=settings.live.account, help="account to serve (default %(default)s)")
    kinds = [str(kind) for kind in Gateway]
    add("--kind", choices=kinds, default=str(settings.live.gateway), help="default %(default)s")
    away = "seconds without the flow until orders are cancelled; twice so many where it is connected and silent"
    add("--dead-man", type=float, default=5.0, metavar="S", help=away)
    add("--die-with-flow", action="store_true", help="end, too, when the flow is gone for so long")
    return parser


if __name__ == "__main__":
    sys.exit(main())

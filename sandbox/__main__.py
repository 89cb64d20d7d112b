"""`python -m sandbox`: the exchange as a process."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from sandbox.server.options import Options, parse_deposit
from sandbox.server.signing import parse_keys

_DEFAULTS = Options()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A Binance-compatible exchange on localhost: spot and USDT-margined perpetuals, a seeded market.",
    )
    add = parser.add_argument
    add("--host", default=_DEFAULTS.host, help="address to listen on (default %(default)s)")
    add("--port", type=int, default=8090, help="port to listen on, 0 for any free one (default %(default)s)")
    add("--state", type=Path, help="folder for the command log: with it the exchange survives restarts")
    add("--seed", type=int, default=_DEFAULTS.seed, help="the market is a function of it (default %(default)s)")
    add(
        "--speed",
        type=float,
        default=_DEFAULTS.speed,
        help="market seconds a second, until the market has caught up with the clock (default %(default)s)",
    )
    add("--lag", type=float, default=_DEFAULTS.lag_s, help="seconds a new market starts behind the clock (default 0)")
    add(
        "--trades-per-day",
        type=int,
        default=_DEFAULTS.trades_per_day,
        help="scripted trades a day and symbol (default %(default)s)",
    )
    add(
        "--quote-rate",
        type=float,
        default=_DEFAULTS.quote_rate,
        help="extra book refreshes a second and symbol (default %(default)s)",
    )
    add(
        "--keys",
        help="API keys as account:key:secret,... (default: $SANDBOX_KEYS, else main:sandbox-key:sandbox-secret)",
    )
    add(
        "--deposit",
        help="what a new account gets, as spot:USDT=1000,linear:USDT=1000 (default: a million USDT each, 2 BTC)",
    )
    add(
        "--spot-weight",
        type=int,
        default=_DEFAULTS.spot_weight,
        help="spot request weight a minute (default %(default)s)",
    )
    add(
        "--futures-weight",
        type=int,
        default=_DEFAULTS.futures_weight,
        help="futures request weight a minute (default %(default)s)",
    )
    add(
        "--ban-after",
        type=int,
        default=_DEFAULTS.ban_after,
        help="refused requests in a minute before 429 becomes 418 (default %(default)s)",
    )
    return parser


def parse(arguments: list[str] | None = None) -> Options:
    """Options of a command line; ends the process with a message when they make no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    keys = given.keys or os.environ.get("SANDBOX_KEYS")
    if given.speed <= 0 or given.lag < 0 or given.trades_per_day < 1440 or given.quote_rate < 0:
        parser.error("--speed must be positive, --lag and --quote-rate not negative, --trades-per-day at least 1440")
    try:
        pairs = parse_keys(keys) if keys else _DEFAULTS.keys
        deposit = parse_deposit(given.deposit) if given.deposit else _DEFAULTS.deposit
    except ValueError as error:
        parser.error(str(error))
    return Options(
        state=given.state, seed=given.seed, speed=given.speed, lag_s=given.lag, trades_per_day=given.trades_per_day,
        quote_rate=given.quote_rate, host=given.host, port=given.port, keys=pairs, deposit=deposit,
        spot_weight=given.spot_weight, futures_weight=given.futures_weight, ban_after=given.ban_after,
    )  # fmt: skip


async def serve(options: Options) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit status."""
    from sandbox.server.app import start
    from sandbox.server.venue import StateMismatchError

    try:
        server = await start(options)
    except OSError as error:
        if error.filename is not None:
            return _fail(f"cannot use {error.filename}: {error.strerror}; take another --state folder")
        return _fail(f"cannot serve on {options.host}:{options.port}: {error.strerror}; take another --port")
    except StateMismatchError as error:
        return _fail(str(error))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    sys.stdout.write(f"sandbox exchange ready on {server.base}\n")
    sys.stdout.flush()
    ended = asyncio.create_task(told.wait())
    await asyncio.wait({ended, server.pump}, return_when=asyncio.FIRST_COMPLETED)
    failure = server.pump.exception() if server.pump.done() else None
    await server.stop()
    if isinstance(failure, OSError):
        return _fail(f"cannot write the command log: {failure.strerror}; make room in {options.state} and start again")
    if failure is not None:
        raise failure
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"sandbox: {message}\n")
    return 1


def main() -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean end."""
    return asyncio.run(serve(parse()))


if __name__ == "__main__":
    sys.exit(main())

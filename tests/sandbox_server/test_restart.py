"""The exchange across restarts: killed at any moment, it comes back with every order it has answered for."""

from __future__ import annotations

import asyncio
import errno
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest

from sandbox.__main__ import parse, serve
from sandbox.engine.types import LINEAR, SPOT, NewOrder, OrderType, Side, TimeInForce
from sandbox.errors import ExchangeError
from sandbox.server.app import start
from sandbox.server.options import Options
from sandbox.server.signing import DEFAULT_KEY, sign
from sandbox.server.venue import LOG_NAME, StateMismatchError, Venue
from tests.sandbox_server.support import WALL_START_NS, serving

PROJECT = Path(__file__).parents[2]
SECOND = 10**9


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`python -m sandbox` on a free port, once it is ready, and its address; killed at the end if it still runs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", *arguments,
        cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        line = (await asyncio.wait_for(child.stdout.readline(), 60)).decode()
        assert "ready on http://" in line, (line, await child.stderr.read() if child.stderr else "")
        yield child, line.split()[-1]
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def signed(session: aiohttp.ClientSession, method: str, url: str, **params: object) -> Any:
    """The body of a signed request."""
    query = urlencode({"timestamp": time.time_ns() // 10**6, "recvWindow": 60_000} | params)
    whole = f"{url}?{query}&signature={sign(DEFAULT_KEY.secret, query)}"
    async with session.request(method, whole, headers={"X-MBX-APIKEY": DEFAULT_KEY.key}) as response:
        return msgspec.json.decode(await response.read())


async def state(session: aiohttp.ClientSession, base: str) -> dict[str, Any]:
    """What must not change when the exchange is killed."""
    ask = [
        ("open", "/api/v3/openOrders", {}),
        ("orders", "/api/v3/allOrders", {"symbol": "BTCUSDT"}),
        ("fills", "/api/v3/myTrades", {"symbol": "BTCUSDT"}),
        ("futures orders", "/fapi/v1/allOrders", {"symbol": "ETHUSDT"}),
        ("futures fills", "/fapi/v1/userTrades", {"symbol": "ETHUSDT"}),
        ("algos", "/fapi/v1/openAlgoOrders", {}),
    ]
    found = {name: await signed(session, "GET", base + path, **params) for name, path, params in ask}
    found["balances"] = (await signed(session, "GET", base + "/api/v3/account"))["balances"]
    found["wallet"] = (await signed(session, "GET", base + "/fapi/v2/balance"))[0]["balance"]
    risk = await signed(session, "GET", base + "/fapi/v2/positionRisk", symbol="ETHUSDT")
    found["position"] = [(row["positionAmt"], row["entryPrice"], row["leverage"]) for row in risk]
    return found


async def test_orders_balances_and_ids_survive_kill_9(tmp_path: Path):
    arguments = ("--state", str(tmp_path))
    limit = {"type": "LIMIT", "timeInForce": "GTC"}
    async with aiohttp.ClientSession() as session:
        async with process(*arguments) as (child, base):
            book = await signed(session, "GET", base + "/api/v3/ticker/price", symbol="BTCUSDT")
            far = int(float(book["price"]) * 0.5)
            market = {"type": "MARKET", "quantity": 1}
            await signed(session, "POST", base + "/api/v3/order", symbol="BTCUSDT", side="BUY", **market)
            await signed(session, "POST", base + "/fapi/v1/leverage", symbol="ETHUSDT", leverage=5)
            await signed(session, "POST", base + "/fapi/v1/order", symbol="ETHUSDT", side="SELL", **market)
            await signed(session, "POST", base + "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="ETHUSDT",
                         side="BUY", type="STOP_MARKET", triggerPrice=90_000, quantity=1)
            key = (await signed(session, "POST", base + "/fapi/v1/listenKey"))["listenKey"]
            before = await state(session, base)
            answered: list[dict[str, Any]] = []

            async def burst() -> None:
                while True:
                    order = {"symbol": "BTCUSDT", "side": "BUY", "price": far, "quantity": "0.001"} | limit
                    answered.append(await signed(session, "POST", base + "/api/v3/order", **order))

            work = asyncio.create_task(burst())
            async with asyncio.timeout(20):
                while len(answered) < 30:  # noqa: ASYNC110 - it is counted, not signalled
                    await asyncio.sleep(0.005)
            child.send_signal(signal.SIGKILL)
            await child.wait()
            with pytest.raises(aiohttp.ClientError):
                await work
        async with process(*arguments) as (child, base):
            after = await state(session, base)
            for name in ("fills", "futures orders", "futures fills", "algos", "wallet", "position"):
                assert after[name] == before[name], name
            ids = {row["clientOrderId"]: row["orderId"] for row in after["open"]}
            assert {row["clientOrderId"]: row["orderId"] for row in answered}.items() <= ids.items()
            # One order may have been taken and not yet answered.
            assert len(answered) <= len(ids) <= len(answered) + 1
            fresh = await signed(session, "POST", base + "/api/v3/order", symbol="BTCUSDT", side="BUY", price=far,
                                 quantity="0.001", **limit)
            assert fresh["orderId"] == max(ids.values()) + 1
            assert (await signed(session, "POST", base + "/fapi/v1/listenKey"))["listenKey"] == key
            child.terminate()
            assert await asyncio.wait_for(child.wait(), 10) == 0


async def test_it_says_why_it_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with serving() as server:
        port = server.base.rsplit(":", 1)[1]
        assert await serve(parse(["--port", port])) == 1
    assert "take another --port" in capsys.readouterr().err
    Venue(Options(state=tmp_path, seed=3), Clock()).close()
    assert await serve(parse(["--port", "0", "--state", str(tmp_path), "--seed", "4"])) == 1
    assert "another --state folder" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert await serve(parse(["--port", "0", "--state", str(tmp_path / "file")])) == 1
    assert "take another --state folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parse(["--keys", "half"])
    assert "account:key:secret" in capsys.readouterr().err


class Clock:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.ns = WALL_START_NS

    def __call__(self) -> int:
        return self.ns


def venue_at(folder: Path, clock: Callable[[], int], **changes: Any) -> Venue:
    """An exchange with its state in a folder."""
    return Venue(replace(Options(state=folder), **changes), clock)


def whole_state(venue: Venue) -> list[object]:
    """Everything an account can ask for."""
    core = venue.exchange
    symbols = venue.symbols(SPOT)
    found = [
        [core.account("main", market) for market in (SPOT, LINEAR)],
        [core.orders("main", market, symbol, limit=10_000) for market in (SPOT, LINEAR) for symbol in symbols],
        [core.fills("main", market, limit=10_000) for market in (SPOT, LINEAR)],
        core.income("main", limit=10_000),
        [core.last_trades(market, symbol, 3).tolist() for market in (SPOT, LINEAR) for symbol in symbols],
        [core.depth(market, symbol, 1000) for market in (SPOT, LINEAR) for symbol in symbols],
    ]
    return [msgspec.to_builtins(part) for part in found]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_replayed_log_gives_the_same_exchange(tmp_path: Path, seed: int):
    """Random commands, many of them refused, while the market goes on: the replay is equal in every detail."""
    chance, clock = random.Random(seed), Clock()
    venue = venue_at(tmp_path, clock, quote_rate=2.0)
    refused = 0
    for number in range(80):
        clock.ns += chance.randrange(40 * SECOND)
        try:
            random_command(venue, chance, number)
        except ExchangeError:
            refused += 1
    clock.ns += 3_600 * SECOND
    venue.sync()
    assert 5 < refused < 70
    venue.close()
    again = venue_at(tmp_path, clock, quote_rate=2.0)
    assert again.exchange.now_ns == venue.exchange.now_ns
    for before, after in zip(whole_state(venue), whole_state(again), strict=True):
        assert after == before
    again.close()


def random_command(venue: Venue, chance: random.Random, number: int) -> None:
    """Something a client might ask, sensible or not."""
    venue.sync()
    market = chance.choice([SPOT, LINEAR])
    spec = venue.spec(market, chance.choice(venue.symbols(market)))
    last = venue.exchange.last_price(market, spec.symbol)
    kind = chance.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_MARKET])
    unit = max(spec.lot, int(300 / spec.price * 10**spec.qty_scale) // spec.lot * spec.lot)
    price = int(last * chance.uniform(0.995, 1.005)) // spec.tick * spec.tick
    order = NewOrder(
        symbol=spec.symbol, side=chance.choice(list(Side)), type=kind, qty=unit * chance.randrange(4),
        price=price if kind is OrderType.LIMIT else 0, stop_price=price if kind is OrderType.STOP_MARKET else 0,
        tif=chance.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        client_id=f"id-{chance.randrange(20)}", reduce_only=market == LINEAR and chance.random() < 0.2,
    )  # fmt: skip
    match chance.randrange(8):
        case 0:
            venue.cancel("main", market, spec.symbol, None, order.client_id, f"c-{number}")
        case 1:
            venue.cancel_all("main", market, spec.symbol)
        case 2:
            venue.replace("main", spec.symbol, order, None, f"id-{chance.randrange(20)}", f"r-{number}", False)
        case 3:
            venue.set_leverage("main", spec.symbol, chance.randrange(130))
        case 4:
            venue.modify("main", spec.symbol, order.side, order.qty, order.price, None, order.client_id)
        case _:
            venue.submit("main", market, order)


def test_a_line_cut_by_a_kill_is_dropped_and_another_market_is_refused(tmp_path: Path):
    clock = Clock()
    venue = venue_at(tmp_path, clock)
    venue.deposit("main", SPOT, "USDT", 7)
    venue.close()
    log = tmp_path / LOG_NAME
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"type":"deposit","at_ns":17')
    again = venue_at(tmp_path, clock)
    assert whole_state(again) == whole_state(venue)
    again.close()
    assert log.read_bytes() == whole
    with pytest.raises(StateMismatchError, match="same options"):
        venue_at(tmp_path, clock, seed=99)


def test_another_speed_takes_over_where_the_market_stands(tmp_path: Path):
    clock = Clock()
    first = venue_at(tmp_path, clock, speed=10.0, lag_s=1_000.0)
    clock.ns += 10 * SECOND
    reached = first.sync()
    assert reached == clock.ns - (1_000 - 90) * SECOND
    first.close()
    second = venue_at(tmp_path, clock, speed=1.0)
    assert second.exchange.now_ns == reached
    clock.ns += SECOND
    assert second.sync() == reached + SECOND
    second.close()


def test_the_dead_mans_switch_survives_a_restart(tmp_path: Path):
    clock = Clock()
    venue = venue_at(tmp_path, clock)
    price = int(venue.exchange.last_price(LINEAR, "BTCUSDT") * 0.97) // 10 * 10
    order = NewOrder(symbol="BTCUSDT", side=Side.BUY, type=OrderType.LIMIT, qty=10, price=price)
    venue.submit("main", LINEAR, order)
    venue.set_countdown("main", "BTCUSDT", 60_000)
    venue.close()
    clock.ns += 59 * SECOND
    again = venue_at(tmp_path, clock)
    again.run_countdowns()
    assert len(again.exchange.open_orders("main", LINEAR)) == 1
    again.close()
    clock.ns += SECOND
    last = venue_at(tmp_path, clock)
    last.run_countdowns()
    assert last.exchange.open_orders("main", LINEAR) == []
    last.close()


async def test_an_exchange_that_cannot_write_its_log_ends(tmp_path: Path):
    """What it did is not on record: it must not go on as if it were."""
    server = await start(Options(state=tmp_path))
    full = OSError(errno.ENOSPC, "No space left on device")

    def no_space(_: object) -> None:
        raise full

    server.venue._log.append = no_space  # type: ignore[union-attr, method-assign] - a full disk is hard to come by
    with pytest.raises(OSError, match="No space"):
        server.venue.deposit("main", SPOT, "USDT", 1)
    async with asyncio.timeout(10):
        assert await asyncio.gather(server.pump, return_exceptions=True) == [full]
    await server.stop()

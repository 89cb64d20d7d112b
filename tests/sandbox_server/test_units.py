"""The server's pure parts."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.types import DepthDiff
from sandbox.errors import ExchangeError
from sandbox.server.clock import MarketClock
from sandbox.server.depth_feed import DepthChain
from sandbox.server.frames import ping_frame, text_frame
from sandbox.server.intervals import INTERVALS, next_open, open_of, step_back
from sandbox.server.numbers import scaled, text, texts
from sandbox.server.options import parse_deposit
from sandbox.server.order_request import new_order
from sandbox.server.params import Call
from sandbox.server.signing import Keyring, parse_keys, sign
from sandbox.server.streams import Kind, parse_stream
from sandbox.server.users import LISTEN_KEY_LIFE_NS, Door, ListenKeys
from sandbox.server.weights import BAN_SECONDS, SPOT_LIMITS, Limits, Meter, RateLimited

SECOND = 10**9


@given(st.integers(-(10**18), 10**18), st.integers(0, 8))
def test_scaled_integers_are_written_exactly(value: int, scale: int):
    assert Decimal(text(value, scale)) == Decimal(value).scaleb(-scale)
    assert Decimal(text(value, scale, 8)) == Decimal(value).scaleb(-scale)
    if value >= 0:
        column = np.array([value, 0], np.int64)
        assert texts(column, scale, 8) == [text(value, scale, 8), text(0, scale, 8)]
        assert texts(column, scale, scale) == [text(value, scale), text(0, scale)]
        assert scaled(text(value, scale, 8), scale, "price") == value


@pytest.mark.parametrize(
    ("raw", "code"), [("", -1100), ("-1", -1100), ("1e5", -1100), ("1.2.3", -1100), ("0.001", -1111)]
)
def test_numbers_that_are_none_are_refused(raw: str, code: int):
    with pytest.raises(ExchangeError) as refused:
        scaled(raw, 2, "price")
    assert refused.value.code == code


@given(st.sampled_from(sorted(INTERVALS)), st.integers(0, 4 * 10**12))
def test_candle_times_tile_the_calendar(interval: str, at_ms: int):
    start = open_of(interval, at_ms)
    end = next_open(interval, start)
    assert start <= at_ms < end
    assert open_of(interval, end - 1) == start
    assert open_of(interval, end) == end
    assert step_back(interval, end, 1) == start


def test_weeks_open_on_mondays_and_months_on_the_first():
    assert open_of("1w", 1_709_640_000_000) == 1_709_510_400_000  # 2024-03-04
    assert open_of("1M", 1_709_640_000_000) == 1_709_251_200_000  # 2024-03-01
    assert step_back("1M", 1_709_251_200_000, -10) == 1_735_689_600_000  # 2025-01-01


@given(st.floats(1.0, 1000.0), st.integers(0, 10**15), st.lists(st.integers(0, 10**15), min_size=2, max_size=9))
def test_market_time_never_goes_back_nor_ahead_of_the_wall(speed: float, lag: int, elapsed: list[int]):
    clock = MarketClock(10**18, lag, speed)
    walls = [10**18 + part for part in sorted(elapsed)]
    times = [clock.at(wall) for wall in walls]
    assert times == sorted(times)
    assert all(time <= wall for time, wall in zip(times, walls, strict=True))
    assert clock.at(10**18) == 10**18 - lag


def test_weights_are_forgotten_with_the_minute_and_bans_grow():
    meter = Meter(Limits(10, SPOT_LIMITS.orders, ban_after=1))
    assert meter.spend("a", 10, 0) == 10
    assert meter.spend("b", 4, 0) == 4
    with pytest.raises(RateLimited) as first:
        meter.spend("a", 1, 30 * SECOND)
    assert (first.value.http, first.value.retry_after) == (429, 30)
    assert meter.spend("a", 3, 60 * SECOND) == 3
    assert meter.used("a", 60 * SECOND) == 3
    assert meter.used("a", 120 * SECOND) == 0
    now = 60 * SECOND
    for ban in BAN_SECONDS[:2]:
        for status in (429, 418):
            with pytest.raises(RateLimited) as over:
                meter.spend("a", 11, now)
            assert over.value.http == status
        assert over.value.retry_after == ban
        with pytest.raises(RateLimited):
            meter.spend("a", 1, now + (ban - 1) * SECOND)
        now += ban * SECOND + 60 * SECOND
    assert meter.spend("a", 1, now) == 1


def test_orders_are_counted_by_account_and_window():
    meter = Meter(SPOT_LIMITS)
    for _ in range(100):
        headers = meter.order("a", 5 * SECOND)
    assert headers == {"X-MBX-ORDER-COUNT-10S": "100", "X-MBX-ORDER-COUNT-1D": "100"}
    with pytest.raises(RateLimited) as over:
        meter.order("a", 6 * SECOND)
    assert (over.value.code, over.value.retry_after) == (-1015, 4)
    assert meter.order("b", 6 * SECOND)["X-MBX-ORDER-COUNT-10S"] == "1"
    assert meter.order("a", 10 * SECOND)["X-MBX-ORDER-COUNT-10S"] == "1"


def test_the_signature_of_binances_documentation():
    """The example of Binance's REST page on SIGNED endpoints."""
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    query = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert sign(secret, query) == signature
    ring = Keyring(parse_keys(f"one:key-a:{secret}, one:key-b:other,two:key-c:third"))
    assert ring.accounts == ("one", "two")
    params = {"timestamp": "1499827319559", "signature": signature}
    assert ring.check("key-a", query, params, 1_499_827_319_600 * 10**6).account == "one"
    with pytest.raises(ExchangeError):
        ring.check("key-b", query, params, 1_499_827_319_600 * 10**6)


def test_listen_keys_live_an_hour_from_the_last_asking():
    keys, door = ListenKeys("salt"), Door("main", "linear")
    key = keys.open(door, 0)
    assert keys.open(door, 10 * SECOND) == key
    assert keys.door(key) == door
    assert keys.expire(LISTEN_KEY_LIFE_NS + 9 * SECOND) == []
    assert keys.expire(LISTEN_KEY_LIFE_NS + 10 * SECOND) == [(key, door)]
    assert not keys.alive(door)
    assert keys.door(key) is None


@pytest.mark.parametrize(
    ("name", "kind", "every_ms", "levels", "interval"),
    [
        ("btcusdt@trade", Kind.TRADE, 0, 0, ""),
        ("btcusdt@depth", Kind.DEPTH_DIFF, 250, 0, ""),
        ("btcusdt@depth@100ms", Kind.DEPTH_DIFF, 100, 0, ""),
        ("btcusdt@depth@0ms", Kind.DEPTH_DIFF, 0, 0, ""),
        ("btcusdt@depth10@100ms", Kind.DEPTH_LEVELS, 100, 10, ""),
        ("btcusdt@kline_3d", Kind.KLINE, 250, 0, "3d"),
        ("btcusdt@markPrice@1s", Kind.MARK_PRICE, 1000, 0, ""),
        ("!markPrice@arr", Kind.MARK_PRICE, 3000, 0, ""),
    ],
)
def test_stream_names(name: str, kind: Kind, every_ms: int, levels: int, interval: str):
    stream = parse_stream(name, "linear", ["BTCUSDT"])
    assert stream is not None
    assert (stream.kind, stream.every_ms, stream.levels, stream.interval) == (kind, every_ms, levels, interval)


@pytest.mark.parametrize(
    "name", ["", "btcusdt", "BTCUSDT@trade", "btcusdt@depth7", "btcusdt@depth@5ms", "ltcusdt@trade", "btcusdt@kline_7m",
             "btcusdt@markPrice", "!markPrice@arr", "btcusdt@depth@250ms"],
)  # fmt: skip
def test_streams_that_spot_does_not_have(name: str):
    assert parse_stream(name, "spot", ["BTCUSDT"]) is None


def test_frames_of_all_lengths():
    assert text_frame(b"hi") == b"\x81\x02hi"
    assert text_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"x" * 70_000)[:10] == b"\x81\x7f" + (70_000).to_bytes(8, "big")
    assert ping_frame(b"1") == b"\x89\x011"


def diff(first: int, last: int, previous: int, bids: list[tuple[int, int]]) -> DepthDiff:
    """A change of bids only."""
    return DepthDiff("spot", "BTCUSDT", last, first, last, previous, bids, [])


def test_gathered_depth_is_one_event_that_follows_on_the_last():
    chain = DepthChain()
    assert chain.take() is None
    chain.add(diff(11, 20, 10, [(100, 5), (99, 1)]))
    first = chain.take()
    assert first is not None
    assert (first.first_id, first.last_id, first.previous_id) == (11, 20, 10)
    assert chain.take() is None
    chain.add(diff(21, 30, 20, [(100, 6), (98, 2)]))
    chain.add(diff(31, 40, 30, [(100, 0)]))
    second = chain.take()
    assert second is not None
    assert (second.first_id, second.last_id, second.previous_id) == (21, 40, 20)
    assert second.bids == [(100, 0), (98, 2)]


def test_deposits_are_read_exactly():
    assert parse_deposit("spot:USDT=1000.5,linear:USDT=7") == {
        "spot": {"USDT": 100_050_000_000}, "linear": {"USDT": 700_000_000},
    }  # fmt: skip
    with pytest.raises(ValueError, match="market:ASSET=amount"):
        parse_deposit("margin:USDT=1")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": ""}, -1102),
        ({"price": ""}, -1102),
        ({"timeInForce": ""}, -1102),
        ({"timeInForce": "GTX"}, -1115),
        ({"type": "MARKET", "price": ""}, -1106),
        ({"type": "MARKET", "price": "", "timeInForce": "", "quoteOrderQty": "5"}, -1128),
        ({"newClientOrderId": "x" * 37}, -1100),
    ],
)
def test_spot_orders_that_do_not_make_sense(changes: dict[str, str], code: int):
    from sandbox.market.specs import by_key, default_specs

    spec = by_key(default_specs())["spot", "BTCUSDT"]
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "40000.00"}
    assert new_order(Call(order), spec).price == 4_000_000
    with pytest.raises(ExchangeError) as refused:
        new_order(Call(order | changes), spec)
    assert refused.value.code == code

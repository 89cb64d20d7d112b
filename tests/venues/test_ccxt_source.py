"""History through ccxt: whole and exact, or a clear error; against prepared answers and recorded ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.errors import ErrorCode, TickhouseError
from market.dataset import Dataset
from market.events import Flag, Side
from market.instrument import Instrument, InstrumentKind
from tests.venues.answered import answered
from tests.venues.answers import Answer, Answers, Query
from venues.ccxt_source import CcxtSource, Patience
from venues.errors import VenueCode
from venues.exchange import make_exchange, rest_base, websocket_base

MS = 1_000_000
MINUTE = 60_000
T0 = 1_700_000_040_000  # ms, a whole minute
HASTY = Patience(attempts=3, first_wait_s=0.01, longest_wait_s=0.02)
FAPI = "/fapi/v1"

SYMBOL = {
    "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": "BTC",
    "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3,
    "baseAssetPrecision": 8, "quotePrecision": 8, "deliveryDate": 4133404800000, "onboardDate": 1569398400000,
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "556.80", "maxPrice": "4529764"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
}
BTC = Instrument(
    5, "binance", "BTC/USDT:USDT", "BTCUSDT", InstrumentKind.LINEAR, "BTC", "USDT", "USDT", 2, 3, 10**8, 0
)
Route = Callable[[Query], Answer]


def serve(now: int = T0 + 10_000 * MINUTE, **routes: Route) -> Answers:
    """A venue with one perpetual; `routes` by the last part of the path."""
    base: dict[str, Route] = {
        f"{FAPI}/exchangeInfo": lambda _: Answer({"symbols": [SYMBOL]}),
        f"{FAPI}/time": lambda _: Answer({"serverTime": now}),
    }
    return Answers(base | {f"{FAPI}/{name}": route for name, route in routes.items()})


def source(answers: Answers) -> CcxtSource:
    return CcxtSource(make_exchange("binance", answers.base), HASTY)


def code_of(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(TickhouseError) as raised:
        call()
    return raised.value.code


def kline(number: int) -> list[Any]:
    ts = T0 + number * MINUTE
    close = f"28145.{number % 3}0"
    return [ts, "28145.10", "28145.30", "28145.00", close, "0.125", ts + MINUTE - 1, "1", 7, "0", "0", "0"]


def klines(absent: set[int] | None = None, last: int = 10**6) -> Route:
    def route(query: Query) -> Answer:
        first = -(-(int(query["startTime"]) - T0) // MINUTE)
        numbers = (n for n in range(max(0, first), last) if n not in (absent or set()))
        return Answer([kline(n) for n, _ in zip(numbers, range(int(query["limit"])), strict=False)])

    return route


def at(number: int) -> int:
    return (T0 + number * MINUTE) * MS


def test_instruments_are_exact() -> None:
    with serve() as answers:
        (spec,) = source(answers).instruments(["BTC/USDT:USDT"])
        assert code_of(lambda: source(answers).instruments(["X/USDT:USDT"])) is VenueCode.VENUE_SYMBOL_UNKNOWN
    assert (spec.venue, spec.symbol, spec.venue_symbol) == ("binance", "BTC/USDT:USDT", "BTCUSDT")
    assert (spec.price_scale, spec.qty_scale, spec.tick, spec.lot) == (2, 3, 10, 1)
    assert (spec.min_qty, spec.max_qty, spec.min_notional) == (1, 1_000_000, 100 * 10**5)
    assert (spec.kind, spec.contract_size) == (InstrumentKind.LINEAR, 10**8)
    assert spec.taker_fee_ppm > 0
    assert spec.instrument(9).id == spec.rules(9).instrument == 9


def test_bars_over_several_pages_are_each_there_once() -> None:
    with serve(klines=klines(absent={5, 1500})) as answers:
        bars = answered(source(answers), Dataset.BARS, BTC, at(1), at(2600))
        assert answers.count(f"{FAPI}/klines") == 3
    want = [n for n in range(1, 2600) if n not in {5, 1500}]
    assert bars["ts_event"].tolist() == [at(n) for n in want]
    assert (bars["ts_known"] - bars["ts_event"] == 60 * 10**9).all()
    assert bars["close"].tolist() == [2814500 + 10 * (n % 3) for n in want]
    assert set(bars["volume"].tolist()) == {125}
    assert set(bars["count"].tolist()) == {-1}
    assert set(bars["instrument"].tolist()) == {5}


def test_the_forming_bar_is_left_out() -> None:
    with serve(now=T0 + 10 * MINUTE + 59_999, klines=klines(last=11)) as answers:
        bars = answered(source(answers), Dataset.BARS, BTC, at(0), at(100))
    assert bars["ts_event"].tolist() == [at(n) for n in range(10)]


def test_no_bars_is_an_empty_array() -> None:
    with serve(klines=klines(last=0)) as answers:
        assert len(answered(source(answers), Dataset.BARS, BTC, at(0), at(5))) == 0
        assert len(answered(source(answers), Dataset.BARS, BTC, at(5), at(5))) == 0


def test_a_lost_page_is_noticed() -> None:
    def skipping(query: Query) -> Answer:
        later = int(query["startTime"]) > T0
        return klines()({**query, "startTime": str(int(query["startTime"]) + (MINUTE if later else 0))})

    with serve(klines=skipping) as answers:
        code = code_of(lambda: answered(source(answers), Dataset.BARS, BTC, at(0), at(1500)))
    assert code is VenueCode.VENUE_PAGE_LOST


@pytest.mark.parametrize(
    ("answer", "code", "asked"),
    [
        (Answer("<html>maintenance</html>"), VenueCode.VENUE_BAD_ANSWER, 3),
        (Answer('[[1700000040000,"1"'), VenueCode.VENUE_BAD_ANSWER, 3),
        (Answer({"hello": 1}), VenueCode.VENUE_BAD_ANSWER, 3),
        (Answer(""), VenueCode.VENUE_BAD_ANSWER, 3),
        (Answer([["x"]]), VenueCode.VENUE_BAD_ANSWER, 3),
        (Answer([[T0, None, "1", "1", "1", "1"]]), VenueCode.VENUE_BAD_ANSWER, 1),
        (Answer([kline(1), kline(1)]), VenueCode.VENUE_BAD_ANSWER, 1),
        (Answer("<html>bad gateway</html>", 502), VenueCode.VENUE_UNREACHABLE, 3),
        (Answer({"code": -1003, "msg": "slow down"}, 429, {"Retry-After": "0"}), VenueCode.VENUE_UNREACHABLE, 3),
        (Answer({"code": -1003, "msg": "slow down"}, 429), VenueCode.VENUE_UNREACHABLE, 3),
        # Asking on while the venue wants to be left alone makes a ban longer.
        (Answer({"code": -1003, "msg": "slow down"}, 429, {"Retry-After": "9"}), VenueCode.VENUE_RATE_LIMITED, 1),
        (Answer({"code": -1003, "msg": "banned"}, 418, {"Retry-After": "120"}), VenueCode.VENUE_RATE_LIMITED, 1),
        (Answer("", 429, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}), VenueCode.VENUE_RATE_LIMITED, 1),
        (Answer({"code": -1100, "msg": "illegal characters"}, 400), VenueCode.VENUE_REFUSED, 1),
    ],
)
def test_a_bad_answer_is_an_error_and_never_an_empty_page(answer: Answer, code: ErrorCode, asked: int) -> None:
    with serve(klines=lambda _: answer) as answers:
        assert code_of(lambda: answered(source(answers), Dataset.BARS, BTC, at(0), at(2))) is code
        assert answers.count(f"{FAPI}/klines") == asked


def test_a_passing_failure_is_survived() -> None:
    failures = [Answer("", 503), Answer("<html>", 200)]

    def flaky(query: Query) -> Answer:
        return failures.pop() if failures else klines()(query)

    with serve(klines=flaky) as answers:
        assert len(answered(source(answers), Dataset.BARS, BTC, at(0), at(3))) == 3


def test_nobody_there() -> None:
    exchange = make_exchange("binance", "http://127.0.0.1:9")
    dead = CcxtSource(exchange, Patience(attempts=2, first_wait_s=0.01, longest_wait_s=0.01))
    assert code_of(dead.now) is VenueCode.VENUE_UNREACHABLE
    assert code_of(lambda: make_exchange("binanse")) is VenueCode.VENUE_UNKNOWN


def test_a_price_finer_than_the_scale_is_refused() -> None:
    bad = kline(0)
    bad[1] = "28145.105"
    with serve(klines=lambda _: Answer([bad])) as answers:
        code = code_of(lambda: answered(source(answers), Dataset.BARS, BTC, at(0), at(1)))
    assert code.name == "MARKET_NUMBER_INEXACT"


def agg_trade(number: int) -> dict[str, Any]:
    # Two trades a millisecond, from the second hour on: the first hour is empty.
    ts = T0 + 3_600_000 + number // 2
    qty = f"0.{number % 900 + 100}"
    return {"a": number, "p": "28145.10", "q": qty, "f": number, "l": number, "T": ts, "m": number % 2 == 0}


def agg_trades(count: int, lost: int = -1) -> Route:
    def route(query: Query) -> Answer:
        every = [agg_trade(n) for n in range(count)]
        if "fromId" in query:
            page = [trade for trade in every if trade["a"] >= int(query["fromId"]) + (query["fromId"] == str(lost))]
        else:
            page = [t for t in every if int(query["startTime"]) <= t["T"] <= int(query["endTime"])]
        return Answer(page[: int(query["limit"])])

    return route


def test_trades_over_several_pages_are_each_there_once() -> None:
    with serve(aggTrades=agg_trades(2500)) as answers:
        events = source(answers).trades(BTC, at(0), at(120))
        some = source(answers).trades(BTC, (T0 + 3_600_010) * MS, (T0 + 3_600_020) * MS)
    assert events["seq"].tolist() == list(range(2500))
    assert some["seq"].tolist() == list(range(20, 40))
    assert events["side"][:2].tolist() == [Side.SELL, Side.BUY]
    assert events["qty"].tolist() == [n % 900 + 100 for n in range(2500)]
    assert (events["ts_event"] == events["ts_recv"]).all()
    assert set(events["flags"].tolist()) == {Flag.LAST | Flag.AGGREGATE | Flag.CATCH_UP}


def test_no_trades_and_a_lost_page_of_trades() -> None:
    with serve(aggTrades=agg_trades(0)) as answers:
        assert len(source(answers).trades(BTC, at(0), at(180))) == 0
        assert answers.count(f"{FAPI}/aggTrades") == 3
    with serve(aggTrades=agg_trades(2500, lost=999)) as answers:
        assert code_of(lambda: source(answers).trades(BTC, at(0), at(120))) is VenueCode.VENUE_PAGE_LOST


def test_funding_is_exact() -> None:
    def rates(query: Query) -> Answer:
        rows = [
            {"symbol": "BTCUSDT", "fundingTime": T0 + n * 28_800_000 + n, "fundingRate": f"-0.0000{n:04d}",
             "markPrice": "28145.12500000"}
            for n in range(2300)
        ]
        return Answer([row for row in rows if row["fundingTime"] >= int(query["startTime"])][: int(query["limit"])])

    with serve(now=T0 + 3000 * 28_800_000, fundingRate=rates) as answers:
        made = answered(source(answers), Dataset.FUNDING_RATES, BTC, T0 * MS, (T0 + 2200 * 28_800_000) * MS)
    assert len(made) == 2200
    assert made["rate"].tolist() == [-n * 10**4 for n in range(2200)]
    assert (np.diff(made["ts_event"]) == 28_800_001 * MS).all()
    assert set(made["mark_price"].tolist()) == {2814512}


class OtherVenue:
    """As much of a ccxt exchange as paging by time needs, for venues that number trades by no order."""

    id = "other"
    last_response_headers: dict[str, str] = {}  # noqa: RUF012 - ccxt's own shape

    def __init__(self, times: list[int], page: int) -> None:
        self.trades = [
            {"id": f"t-{n}", "timestamp": ts, "price": "1.5", "amount": "2", "side": "buy"}
            for n, ts in enumerate(times)
        ]
        self.page = page
        self.has = {"fetchTime": False}

    def milliseconds(self) -> int:
        return T0 + 10**9

    def fetch_trades(self, symbol: str, since: int, limit: int, params: dict[str, Any]) -> list[dict[str, Any]]:
        return [trade for trade in self.trades if trade["timestamp"] >= since][: self.page]


def test_trades_paged_by_time() -> None:
    times = [T0 + n // 3 for n in range(200)]
    times += [times[-1] + 7_200_000 + n for n in range(5)]  # after two quiet hours
    events = CcxtSource(OtherVenue(times, 60), HASTY).trades(BTC, T0 * MS, (T0 + 10**8) * MS)
    assert events["ts_event"].tolist() == [ts * MS for ts in times]
    assert len(set(events["seq"].tolist())) == 205
    stuck = CcxtSource(OtherVenue([T0] * 200, 60), HASTY)
    assert code_of(lambda: stuck.trades(BTC, T0 * MS, (T0 + 5) * MS)) is VenueCode.VENUE_PAGE_STUCK


def test_the_real_venue_differs_by_addresses_alone() -> None:
    real, ours = make_exchange("binance"), make_exchange("binance", "http://127.0.0.1:1")
    assert type(real) is type(ours)
    assert real.urls["api"]["fapiPublic"] == "https://fapi.binance.com/fapi/v1"
    assert real.enableRateLimit
    assert rest_base("binance") == "https://fapi.binance.com/fapi/v1"
    assert websocket_base("binance") == "wss://fstream.binance.com"
    assert rest_base("binance", "http://h:1", "spot") == "http://h:1/api/v3"
    assert websocket_base("binance", "http://h:1") == "ws://h:1/fapi"
    assert code_of(lambda: websocket_base("kraken")) is VenueCode.VENUE_NOT_OFFERED


@pytest.mark.recordings
def test_the_venue_s_own_exchange_info(recordings: Path) -> None:
    from backports import zstd

    file = recordings / "bmoscon+cryptofeed" / "v3" / "sample_data" / "BINANCE_FUTURES.jsonl.zst"
    records = [json.loads(line) for line in zstd.decompress(file.read_bytes()).splitlines()]
    info = next(record["data"] for record in records if record["t"] == "http" and "exchangeInfo" in record["url"])
    with serve(exchangeInfo=lambda _: Answer(info)) as answers:
        symbols = ["BTC/USDT:USDT", "SUSHI/USDT:USDT", "AKRO/USDT:USDT"]
        btc, sushi, akro = source(answers).instruments(symbols)
    assert (btc.price_scale, btc.tick, btc.qty_scale, btc.lot) == (2, 1, 3, 1)
    assert (sushi.price_scale, sushi.tick, sushi.qty_scale, sushi.lot) == (4, 10, 0, 1)
    assert (akro.price_scale, akro.qty_scale) == (5, 0)

"""Other venues' habits: newest first, exclusive starts, short memories; whole or a clear error."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset
from market.instrument import Instrument, InstrumentKind, Status
from tests.venues.answers import Answer, Answers
from tests.venues.shapes import Route, bybit, okx, pointed, recorded
from venues.ccxt_source import CcxtSource, Patience
from venues.errors import VenueCode
from venues.source import Request

pytestmark = pytest.mark.recordings

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_702_598_400_000  # ms, a whole minute
FIRST = NOW - 3 * DAY
MS = 10**6

# Bars with a hole of a day, trades in bursts with equal times, funding each eight hours.
BARS = [ts for ts in range(FIRST, NOW, MINUTE) if not FIRST + DAY <= ts < FIRST + 2 * DAY]
TRADES = [FIRST + n * 20_000 + burst for n in range(900) for burst in (0, 0, 0, 1, 5)]
FUNDING = list(range(NOW - 200 * 8 * HOUR, NOW, 8 * HOUR))


def times(source: CcxtSource, life: Instrument, dataset: Dataset, start: int, end: int, width: int = 60) -> list[int]:
    parts = list(source.fetch(Request(dataset, life, start * MS, end * MS, width)))
    return [ts // MS for ts in pl.concat(parts)["ts_event"]] if parts else []


def source_of(name: str, answers: Answers, symbol: str) -> tuple[CcxtSource, Instrument]:
    source = CcxtSource(pointed(name, answers.base, "linear"), Patience(attempts=1))
    (spec,) = source.instruments([symbol])
    assert spec.status is Status.TRADING
    return source, spec.instrument(3)


def test_bybit(recordings: Path) -> None:
    with Answers(bybit(recordings, NOW + 5000, BARS, FUNDING, TRADES)) as answers:
        source, life = source_of("bybit", answers, "BTC/USDT:USDT")
        assert (life.kind, life.listed) == (InstrumentKind.LINEAR, 1_699_990_000_000 * MS)
        assert times(source, life, Dataset.BARS, FIRST, NOW) == BARS
        assert times(source, life, Dataset.FUNDING_RATES, FUNDING[5], FUNDING[150]) == FUNDING[5:150]
        (book,) = source.fetch(Request(Dataset.BOOK_SNAPSHOTS, life, FIRST * MS, (NOW + DAY) * MS))
        assert book["bids"][0][0]["price"] > 0


def test_bybit_knows_the_newest_trades_only(recordings: Path) -> None:
    with Answers(bybit(recordings, NOW + 5000, BARS, FUNDING, TRADES)) as answers:
        source, life = source_of("bybit", answers, "BTC/USDT:USDT")
        with pytest.raises(TickhouseError) as raised:
            times(source, life, Dataset.TRADES, FIRST, FIRST + HOUR)
    assert raised.value.code is VenueCode.VENUE_SINCE_IGNORED


def test_okx(recordings: Path) -> None:
    with Answers(okx(recordings, NOW + 5000, BARS, FUNDING, TRADES)) as answers:
        _, inverse = source_of("okx", answers, "BTC/USD:BTC")
        assert (inverse.kind, inverse.listed) == (InstrumentKind.INVERSE, 1_535_424_203_000 * MS)
        assert inverse.contract_size == 100 * 10**8
        source, life = source_of("okx", answers, "BTC/USDT:USDT")
        assert times(source, life, Dataset.BARS, FIRST, NOW) == BARS
        (bar,) = source.fetch(Request(Dataset.BARS, life, FIRST * MS, (FIRST + MINUTE) * MS))
        assert bar["volume"].to_list() == [104_037], "contracts, as its lots, and not the 10.4 BTC that they are worth"
        assert times(source, life, Dataset.FUNDING_RATES, FUNDING[5], FUNDING[150]) == FUNDING[5:150]


def test_okx_trades_are_walked_back_by_their_ids(recordings: Path, tmp_path: Path) -> None:
    end = FIRST + 4 * HOUR
    with Answers(okx(recordings, NOW + 5000, BARS, FUNDING, TRADES)) as answers:
        source, _ = source_of("okx", answers, "BTC/USD")
        (spec,) = source.instruments(["BTC/USD"])
        request = Request(Dataset.TRADES, spec.instrument(4), (FIRST + HOUR) * MS, end * MS)
        made = pl.concat(source.fetch(request))
        wanted = [n for n, ts in enumerate(TRADES) if FIRST + HOUR <= ts < end]
        assert sorted(made["trade_id"]) == wanted
        assert made["ts_event"].is_sorted(), "turned round"
        with pytest.raises(TickhouseError) as raised:
            times(source, spec.instrument(4), Dataset.TRADES, FIRST - DAY, FIRST)
    assert raised.value.code is VenueCode.VENUE_NOT_OFFERED, "it keeps none of then"


def replayed(recordings: Path, venue: str, names: dict[str, str]) -> dict[str, Route]:
    """Recorded answers by path, the same whatever is asked: venues that know no start, and proxies that cache."""
    return {path: lambda _, name=name: Answer(recorded(recordings, venue, name)) for path, name in names.items()}


def test_a_venue_that_gives_all_it_has_whatever_is_asked(recordings: Path) -> None:
    routes = replayed(recordings, "kraken", {
        "/derivatives/api/v3/instruments": "futures_instruments",
        "/api/charts/v1/trade/PI_XBTUSD/1h": "futures_candles_trade",
        "/derivatives/api/v4/historicalfundingrates": "futures_historical_funding_rates",
    })  # fmt: skip
    with Answers(routes) as answers:
        exchange = pointed("krakenfutures", answers.base, "linear")
        api = exchange.urls["api"]
        exchange.urls["api"] = {
            name: f"{answers.base}/{'api/charts' if name == 'charts' else 'derivatives/api'}/" for name in api
        }
        source = CcxtSource(exchange, Patience(attempts=1))
        (spec,) = source.instruments(["BTC/USD:BTC"])
        life = spec.instrument(6)
        first = recorded(recordings, "kraken", "futures_candles_trade")["candles"][0]["time"]
        assert times(source, life, Dataset.BARS, first, first + 4 * HOUR, 3600)[:2] == [first, first + HOUR]
        at = 1_752_163_200_000
        assert times(source, life, Dataset.FUNDING_RATES, at, at + DAY) == [at, at + 8 * HOUR, at + 16 * HOUR]
        assert times(source, life, Dataset.FUNDING_RATES, at + HOUR, at + 9 * HOUR) == [at + 8 * HOUR]


def test_deribit_trades_in_dollars_and_so_do_its_bars(recordings: Path) -> None:
    routes = replayed(recordings, "deribit", {
        "/api/v2/public/get_instruments": "get_instruments", "/api/v2/public/get_order_book": "get_order_book",
        "/api/v2/public/get_tradingview_chart_data": "get_tradingview_chart_data",
    })  # fmt: skip
    coin = {"currency": "BTC", "coin_type": "BITCOIN", "currency_long": "Bitcoin", "fee_precision": 4,
            "min_confirmations": 1, "withdrawal_fee": 0.0001}
    chart = recorded(recordings, "deribit", "get_tradingview_chart_data")["result"]
    routes["/api/v2/public/get_currencies"] = lambda _: Answer({"jsonrpc": "2.0", "result": [coin]})
    routes["/api/v2/public/get_time"] = lambda _: Answer({"jsonrpc": "2.0", "result": chart["ticks"][-1] + DAY})
    with Answers(routes) as answers:
        source, life = source_of("deribit", answers, "BTC/USD:BTC")
        request = Request(Dataset.BARS, life, chart["ticks"][0] * MS, (chart["ticks"][-1] + MINUTE) * MS)
        (bars,) = source.fetch(request)
    assert bars["ts_event"].to_list() == [tick * MS for tick in chart["ticks"]]
    assert bars["volume"].to_list() == [int(cost) for cost in chart["cost"]]

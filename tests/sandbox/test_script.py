"""The script is a pure function of the seed, and looks like a market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import ExchangeError
from sandbox.market.calendar import FUNDING_NS, MINUTES, NS_PER_DAY, NS_PER_MINUTE, day_start
from sandbox.market.script import LAST_DAY, Script
from sandbox.market.specs import LINEAR, MARKETS, SPOT, default_specs
from sandbox.market.tape import bars_of

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")


@pytest.fixture(scope="module")
def script() -> Script:
    return Script(7, default_specs())


@settings(max_examples=15)
@given(day=st.integers(1, LAST_DAY), market=st.sampled_from(MARKETS), symbol=st.sampled_from(SYMBOLS),
       start=st.integers(0, 2 * NS_PER_DAY), length=st.integers(0, NS_PER_DAY))
def test_any_span_of_any_year_is_the_same_whatever_was_asked_before(
        script: Script, day: int, market: str, symbol: str, start: int, length: int) -> None:
    low = day_start(day) + start
    high = min(low + length, day_start(LAST_DAY + 1))
    fresh = Script(7, default_specs())
    assert np.array_equal(script.trades(market, symbol, low, high), fresh.trades(market, symbol, low, high))
    whole = script.trades(market, symbol, day_start(day), day_start(min(day + 4, LAST_DAY + 1)))
    within = whole[(whole["ts_ns"] >= low) & (whole["ts_ns"] < high)]
    assert np.array_equal(within, script.trades(market, symbol, low, high))


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_are_the_trades_added_up_and_ids_never_skip(script: Script, market: str, symbol: str) -> None:
    start, end = day_start(1_999), day_start(2_002)
    trades, bars = script.trades(market, symbol, start, end), script.bars(market, symbol, start, end)
    spec = script.spec(market, symbol)
    assert np.array_equal(trades["id"], np.arange(1_999 * spec.trades_per_day, 2_002 * spec.trades_per_day))
    assert np.all(np.diff(trades["ts_ns"]) >= 0)
    assert np.all(trades["price"] % spec.tick == 0)
    assert np.all(trades["qty"] % spec.lot == 0)
    assert trades["qty"].min() >= spec.min_qty
    assert np.array_equal(bars, bars_of(trades, spec.notional_factor))
    assert np.array_equal(bars["open_ns"], start + NS_PER_MINUTE * np.arange(3 * MINUTES))
    assert bars["volume"].sum() == trades["qty"].sum()
    # One bar the slow way.
    row = bars[777]
    mine = [trade for trade in trades if 0 <= trade["ts_ns"] - row["open_ns"] < NS_PER_MINUTE]
    prices = [trade["price"] for trade in mine]
    assert (row["open"], row["high"], row["low"], row["close"]) == (prices[0], max(prices), min(prices), prices[-1])
    assert row["trades"] == len(mine)
    assert row["quote_volume"] == sum(int(t["price"]) * int(t["qty"]) for t in mine) * spec.notional_factor
    assert row["taker_buy_volume"] == sum(int(t["qty"]) for t in mine if not t["buyer_is_maker"])


def test_seeds_and_symbols_differ(script: Script) -> None:
    other = Script(8, default_specs())
    day = day_start(100), day_start(101)
    mine = script.bars(SPOT, "BTCUSDT", *day)["close"]
    assert not np.array_equal(mine, other.bars(SPOT, "BTCUSDT", *day)["close"])
    spot, linear = (script.trades(market, "BTCUSDT", *day)["qty"] for market in MARKETS)
    assert not np.array_equal(spot, linear)


def _returns(script: Script, market: str, symbol: str, days: int, minutes: int = 1) -> np.ndarray:
    bars = script.bars(market, symbol, day_start(2_400), day_start(2_400 + days))
    return np.diff(np.log(bars["close"][minutes - 1::minutes].astype(float)))


def test_days_join_without_a_seam_and_years_stay_near_the_base_price(script: Script) -> None:
    spec = script.spec(SPOT, "BTCUSDT")
    closes = [script.bars(SPOT, "BTCUSDT", day_start(day), day_start(day) + NS_PER_MINUTE)["close"][0]
              for day in range(10, 2_900, 60)]
    assert 0.15 * spec.price < min(closes) / spec.price_unit < max(closes) / spec.price_unit < 6 * spec.price
    returns = _returns(script, SPOT, "BTCUSDT", 20)
    midnights = np.abs(returns[MINUTES - 1::MINUTES])
    assert midnights.max() < 8 * returns.std()


def test_the_market_has_clusters_tails_and_company(script: Script) -> None:
    by_symbol = {symbol: _returns(script, SPOT, symbol, 20) for symbol in SYMBOLS}
    for symbol, returns in by_symbol.items():
        daily = returns.std() * np.sqrt(MINUTES)
        expected = script.spec(SPOT, symbol).daily_vol
        assert 0.4 * expected < daily < 2.5 * expected
        sizes = np.abs(returns)
        assert np.corrcoef(sizes[1:], sizes[:-1])[0, 1] > 0.05          # volatility clusters
        assert np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2 > 4   # jumps
    five = [np.diff(np.log(script.bars(SPOT, symbol, day_start(2_400), day_start(2_420))["close"][::5].astype(float)))
            for symbol in SYMBOLS]
    together = np.corrcoef(five)
    assert together[0, 1] > 0.5
    assert together.min() > 0.2
    assert np.triu(together, 1).max() < 0.97
    # The perpetual follows its spot.
    spot, linear = (_returns(script, market, "BTCUSDT", 5, 15) for market in MARKETS)
    assert np.corrcoef(spot, linear)[0, 1] > 0.98
    # American hours are busier than the small hours.
    counts = script.bars(SPOT, "BTCUSDT", day_start(2_400), day_start(2_420))["trades"].reshape(20, 24, 60).sum((0, 2))
    assert counts[14] > 1.3 * counts[4]


@pytest.mark.parametrize("market", MARKETS)
def test_trade_imbalance_foretells_a_little(script: Script, market: str) -> None:
    """Three minutes' taker imbalance against the next three minutes' return, five days of each symbol."""
    found = []
    for symbol in SYMBOLS:
        bars = script.bars(market, symbol, day_start(2_500), day_start(2_505))
        volume, bought = (bars[name].reshape(-1, 3).sum(axis=1) for name in ("volume", "taker_buy_volume"))
        imbalance = 2 * bought / volume - 1
        returns = np.diff(np.log(bars["close"][2::3].astype(float)))
        found.append(np.corrcoef(imbalance[:-1], returns)[0, 1])
    assert min(found) > 0.03
    assert max(found) < 0.3


def test_funding_comes_every_eight_hours_at_mark(script: Script) -> None:
    rows = script.funding("BTCUSDT", day_start(2_000), day_start(2_100))
    assert len(rows) == 300
    assert np.all(np.diff(rows["ts_ns"]) == FUNDING_NS)
    assert np.all(np.abs(rows["rate"]) <= 300_000)
    assert np.median(rows["rate"]) == 10_000
    assert len(np.unique(rows["rate"])) > 20
    spec = script.spec(LINEAR, "BTCUSDT")
    assert rows["mark"][0] == script.fair_price(spec, int(rows["ts_ns"][0]))
    bar = script.bars(LINEAR, "BTCUSDT", int(rows["ts_ns"][0]), int(rows["ts_ns"][0]) + NS_PER_MINUTE)[0]
    assert abs(int(bar["open"]) / int(rows["mark"][0]) - 1) < 0.002


def test_before_genesis_there_is_nothing_and_unknown_symbols_are_refused(script: Script) -> None:
    assert len(script.bars(SPOT, "BTCUSDT", day_start(-10), day_start(0))) == 0
    assert len(script.bars(SPOT, "BTCUSDT", day_start(-1), day_start(1))) == MINUTES
    assert len(script.trades(SPOT, "BTCUSDT", day_start(3), day_start(3))) == 0
    with pytest.raises(ExchangeError, match="-1121"):
        script.bars(SPOT, "DOGEUSDT", day_start(1), day_start(2))

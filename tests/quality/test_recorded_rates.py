"""Recorded funding of seven venues, and trades of three: what is shifted, and what only looks so."""

from __future__ import annotations

import pytest

from market.dataset import Dataset
from quality.cross import funding_grid
from quality.rule import Severity
from tests.quality.recorded import accused, judge, life, read
from venues import facts

pytestmark = pytest.mark.recordings

FUNDING = "supervik+historical-funding-rates-fetcher/data/BTC-USDT/BTC-USDT_{}-01-01_2024-01-01_funding_history.csv"
FREQ = "freqtrade+freqtrade/tests/testdata"
TRADES = {"dataset": "trades"}


@pytest.mark.parametrize(("name", "shift"), [
    ("binance_2020", 3), ("bybit_2021", 3), ("htx_2021", 3), ("kucoin_2021", 3), ("mexc_2021", 3),
    ("gate_2020", 0), ("dydx_2022", 0),
])
def test_stamps_of_another_zone_are_told_and_utc_is_not_accused(recordings, name, shift):
    of = life(name.split("_")[0])
    frame = read(
        recordings / FUNDING.format(name), "columns_csv", of, Dataset.FUNDING_RATES, dataset="funding_rates",
        columns={"ts_event": "Date", "rate": "Funding Rate"}, time="iso", nearest=True,
    )
    verdict = judge(frame, Dataset.FUNDING_RATES, of)
    assert funding_grid.shift_h(frame["ts_event"], facts.of(of.venue)) == shift
    accusations = accused(verdict, Severity.ERROR)
    if shift:
        # Every day of the file, and with it every row.
        assert accusations == {"funding_grid": frame.height}
        assert verdict.rejected.height == frame.height
        assert all(f"={shift}" in f.observed for f in verdict.findings if f.rule == "funding_grid" and not f.passed)
    else:
        assert accusations == {}


def test_the_gap_of_gate_and_of_htx_is_found_and_no_other_day_accused(recordings):
    found = {}
    for name in ("gate_2020", "htx_2021", "dydx_2022"):
        of = life(name.split("_")[0])
        frame = read(
            recordings / FUNDING.format(name), "columns_csv", of, Dataset.FUNDING_RATES, dataset="funding_rates",
            columns={"ts_event": "Date", "rate": "Funding Rate"}, time="iso", nearest=True,
        )
        verdict = judge(frame, Dataset.FUNDING_RATES, of)
        found[name] = sorted(
            f.day.isoformat() for f in verdict.findings if f.rule.startswith("settlements_") and not f.passed
        )
    assert found["dydx_2022"] == []
    assert found["htx_2021"] == ["2021-02-20"]
    # The whole December of 2020, and the day on which rates are there again.
    assert (len(found["gate_2020"]), found["gate_2020"][0], found["gate_2020"][-1]) == (32, "2020-12-01", "2021-01-01")


def test_identical_trades_of_kraken_are_distinct_and_not_accused(recordings):
    of = life("kraken", "BCH/EUR")
    for name, rows, same in (("BCHEUR.csv", 148, 1), ("incremental_q2/BCHEUR.csv", 486, 48)):
        frame = read(recordings / FREQ / "kraken/trades_csv" / name, "kraken_trades", of, Dataset.TRADES)
        assert (frame.height, frame["trade_id"].n_unique()) == (rows, rows)
        assert frame.height - frame.unique(["ts_event", "price", "qty"]).height == same
        verdict = judge(frame, Dataset.TRADES, of)
        assert accused(verdict, Severity.ERROR) == accused(verdict, Severity.WARNING) == {}


@pytest.mark.parametrize(("file", "kind", "venue", "options"), [
    (f"{FREQ}/XRP_ETH-trades.feather", "freqtrade_feather", "binance", {"rounded": True}),
    (f"{FREQ}/XRP_OLD-trades.json.gz", "freqtrade_json", "binance", {"rounded": True}),
    (f"{FREQ}/orderflow/public_trades_list.csv", "columns_csv", "binance",
     {**TRADES, "time": "ms", "columns": {"ts_event": "timestamp", "price": "price", "qty": "amount",
                                          "trade_id": "id", "side": "side"}}),
    ("questdb+sample-datasets/finance/btc_trades.csv", "columns_csv", "coinbase",
     {**TRADES, "time": "iso", "columns": {"ts_event": "timestamp", "price": "price", "qty": "amount",
                                           "side": "side"}}),
])
def test_no_genuine_trade_is_accused(recordings, file, kind, venue, options):
    of = life(venue)
    verdict = judge(read(recordings / file, kind, of, Dataset.TRADES, **options), Dataset.TRADES, of)
    assert accused(verdict, Severity.ERROR) == accused(verdict, Severity.WARNING) == {}


@pytest.mark.parametrize("file", [
    "QuantConnect+Lean/Data/crypto/coinbase/minute/btcusd/20170904_quote.zip",
    "QuantConnect+Lean/Data/cryptofuture/binance/minute/adausdt/20221213_quote.zip",
])
def test_no_genuine_quote_is_accused(recordings, file):
    of = life("coinbase")
    frame = read(recordings / file, "lean_quote", of, Dataset.QUOTES, rounded=True, nearest=True)
    verdict = judge(frame, Dataset.QUOTES, of)
    assert accused(verdict, Severity.ERROR) == accused(verdict, Severity.WARNING) == {}


def test_a_genuine_order_book_is_not_accused(recordings):
    of = life("bybit", "XRP/USDT")
    file = recordings / "nautechsystems+nautilus_trader/tests/test_data/bybit/xrpusdt-ob500.data.zip"
    verdict = judge(read(file, "bybit_orderbook", of, Dataset.BOOK_DELTAS), Dataset.BOOK_DELTAS, of)
    assert accused(verdict, Severity.ERROR) == accused(verdict, Severity.WARNING) == {}

"""Any ccxt venue by its name: Kraken's recorded answers, whose bars must be those of its trades."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from infra.errors import TickhouseError
from market import bars as market_bars
from market.dataset import Dataset
from market.instrument import InstrumentKind
from tests.venues.answered import answered
from tests.venues.answers import Answer, Answers, Query
from venues.ccxt_source import CcxtSource, Patience
from venues.errors import VenueCode
from venues.exchange import make_exchange

MINUTE = 60 * 10**9


@pytest.mark.recordings
def test_kraken_s_recorded_trades_rebuild_its_recorded_bars(recordings: Path) -> None:
    folder = recordings / "nautechsystems+nautilus_trader" / "crates" / "adapters" / "kraken" / "test_data"
    pairs, ohlc, trades = (
        json.loads((folder / f"http_{name}.json").read_text()) for name in ("asset_pairs", "ohlc", "trades")
    )
    key = next(iter(set(ohlc["result"]) - {"last"}))
    pairs["result"] = {key: pairs["result"][key]}
    now = ohlc["result"][key][-1][0] + 30

    def candles(query: Query) -> Answer:
        rows = [row for row in ohlc["result"][key] if row[0] > int(query.get("since", "0"))]
        return Answer({"error": [], "result": {key: rows, "last": now}})

    def prints(query: Query) -> Answer:
        since = int(query.get("since", "0").ljust(19, "0")) / 1e9
        rows = [row for row in trades["result"][key] if row[2] >= since][:400]
        return Answer({"error": [], "result": {key: rows, "last": "0"}})

    routes = {
        "/0/public/AssetPairs": lambda _: Answer(pairs),
        "/0/public/Assets": lambda _: Answer({"error": [], "result": {}}),
        "/0/public/Time": lambda _: Answer({"error": [], "result": {"unixtime": now}}),
        "/0/public/OHLC": candles,
        "/0/public/Trades": prints,
    }
    with Answers(routes) as answers:
        exchange = make_exchange("kraken", market="spot")
        exchange.enableRateLimit = False
        exchange.urls["api"]["public"] = answers.base
        source = CcxtSource(exchange, Patience(attempts=1))
        (spec,) = source.instruments(["BTC/USDT"])
        assert (spec.kind, spec.price_scale, spec.qty_scale, spec.tick) == (InstrumentKind.SPOT, 1, 8, 1)
        listed = spec.instrument(1)
        first = int(trades["result"][key][0][2]) // 60 * 60 * 10**9 + MINUTE
        last = int(trades["result"][key][-1][2]) // 60 * 60 * 10**9
        events = source.trades(listed, first, last)
        recorded = answered(source, Dataset.BARS, listed, first, last)
        with pytest.raises(TickhouseError) as raised:  # Kraken gives its newest 720 bars for any start before them
            answered(source, Dataset.BARS, listed, int(ohlc["result"][key][0][0]) * 10**9 - 86_400 * 10**9, last)
        assert raised.value.code is VenueCode.VENUE_SINCE_IGNORED
    assert len(events) > 900
    state = market_bars.new_state(1, 60)
    made = np.concatenate([market_bars.update(state, events), market_bars.close(state, last)])
    recorded = recorded[recorded["volume"] > 0]
    both = np.intersect1d(made["ts_event"], recorded["ts_event"])
    assert len(both) > 250
    ours, theirs = (part[np.isin(part["ts_event"], both)] for part in (made, recorded))
    for name in ("open", "high", "low", "close", "volume"):
        assert ours[name].tolist() == theirs[name].tolist()

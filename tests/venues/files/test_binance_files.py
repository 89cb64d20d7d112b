"""Binance public data, with and without headers, in both units of time, of all three markets."""

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset, conform
from market.events import Flag, Side
from tests.venues.files.reading import life, opened, read
from venues.files import registry
from venues.files.errors import FileCode
from venues.files.sheet import AGGREGATE_TRADE, PLAIN_TRADE

S = 10**9
OPEN = 1_577_836_800  # 2020-01-01
KLINE = "{ms},7195.24,7196.25,7183.14,7186.68000,51.642812,{end},371233.51835535,493,19.597230,140988.41553725,0\n"
UM_KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
    "ignore\n"
)
OTHER_KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_asset_volume,number_of_trades,taker_buy_base_asset_volume,"
    "taker_buy_quote_asset_volume,ignore\n"
)
AGG_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
SPOT_AGG = "26129,0.01633102,4.70443515,27781,27781,{ts},{maker},True\n"
METRICS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
)


def bars(text, name="BTCUSDT-1m-2020-01.csv", of=None, **options):
    return read("binance_klines", text.encode(), name, of or life("BTC/USDT", 2, 6), **options)


def parts(format_name, text, **more):
    return list(registry.get(format_name).read(opened(text.encode(), "x.csv", **more)))


@pytest.mark.parametrize("header", ["", UM_KLINES, OTHER_KLINES])
@pytest.mark.parametrize("unit", [1_000, 1_000_000])
def test_klines(header, unit):
    opens = (OPEN, OPEN + 60)
    frame = bars(header + "".join(KLINE.format(ms=at * unit, end=(at + 60) * unit - 1) for at in opens))
    assert frame.drop("line").rows(named=True)[1] == {
        "interval_s": 60, "ts_event": (OPEN + 60) * S, "ts_known": (OPEN + 120) * S, "count": 493, "open": 719_524,
        "high": 719_625, "low": 718_314, "close": 718_668, "volume": 51_642_812, "instrument": 7,
    }
    assert frame["line"].to_list() == ([2, 3] if header else [1, 2])


def test_the_length_of_klines_is_told_by_option_name_or_grid():
    hourly = "".join(KLINE.format(ms=(OPEN + 3_600 * at) * 1_000, end=0) for at in range(3))
    assert bars(hourly, "x.csv")["interval_s"].unique().to_list() == [3_600]
    assert bars(hourly, "a/BTCUSDT-1h-2020-01.zip!BTCUSDT-1h-2020-01.csv")["interval_s"][0] == 3_600
    assert bars(KLINE.format(ms=OPEN * 1_000, end=0), "x.csv", interval_s=900)["ts_known"][0] == (OPEN + 900) * S
    month = bars(KLINE.format(ms=OPEN * 1_000, end=0), "BTCUSDT-1mo-2020-01.csv", interval_s=2_592_000)
    assert month["ts_known"][0] == (OPEN + 31 * 86_400) * S
    with pytest.raises(TickhouseError) as caught:
        bars(KLINE.format(ms=OPEN * 1_000, end=0), "x.csv")
    assert caught.value.code is FileCode.FILE_NOT_DATA


def test_files_joined_by_their_publisher_have_headers_in_the_middle():
    line = KLINE.format(ms=OPEN * 1_000, end=0)
    assert bars(UM_KLINES + line + UM_KLINES + line)["line"].to_list() == [2, 4]


def test_a_month_that_changes_from_ms_to_us_is_not_guessed():
    text = KLINE.format(ms=OPEN * 1_000, end=0) + KLINE.format(ms=OPEN * 1_000_000, end=0)
    with pytest.raises(TickhouseError) as caught:
        bars(text)
    assert (caught.value.code, caught.value.context["line"]) == (FileCode.FILE_STAMPS_MIXED, 2)


@pytest.mark.parametrize(("maker", "side"), [
    ("True", Side.SELL), ("true", Side.SELL), ("False", Side.BUY), ("FALSE", Side.BUY),
])
def test_aggregate_trades_of_spot(maker, side):
    frame = read("binance_aggtrades", SPOT_AGG.format(ts=OPEN * 10**6, maker=maker).encode(), of=life())
    assert frame.drop("line").rows(named=True) == [{
        "ts_event": OPEN * S, "ts_known": OPEN * S, "trade_id": 26_129, "price": 1_633_102, "qty": 470_443_515,
        "side": side, "flags": AGGREGATE_TRADE, "instrument": 7,
    }]
    assert AGGREGATE_TRADE & Flag.AGGREGATE


def test_aggregate_trades_of_futures_with_a_header():
    text = AGG_HEADER + "1,7189.43,0.030,5,5,1577836800123,true\n2,0,0,6,6,1577836801123,false\n"
    frame = read("binance_aggtrades", text.encode(), of=life("BTC/USDT", 2, 3))
    assert frame.select("trade_id", "price", "qty", "side").rows() == [(1, 718_943, 30, 2), (2, 0, 0, 1)]


@pytest.mark.parametrize("text", [
    "28457,4986.00000000,5.00000000,24930.00000000,1577836800000,True,True\n",
    "id,price,qty,quote_qty,time,is_buyer_maker\n28457,4986.00,5.0,24930.0,1577836800000,true\n",
    "id,price,qty,base_qty,time,is_buyer_maker\n28457,4986.0,5,0.00012500,1577836800000,true\n",
])
def test_trades_of_three_markets(text):
    frame = read("binance_trades", text.encode(), of=life("BTC/USDT", 2, 1))
    assert frame.select("ts_event", "trade_id", "price", "qty", "side", "flags").rows() == [
        (OPEN * S, 28_457, 498_600, 50, 2, PLAIN_TRADE)]


def test_quotes_out_of_the_order_of_time():
    text = (
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
        "300,50100,1,50101.5,2,1708017636626,1708017636633\n200,50002,1,50003,0.25,1707955200026,1707955200034\n"
    )
    frame = read("binance_book_ticker", text.encode(), of=life("BTC/USDT", 1, 2))
    assert frame.drop("instrument", "line").rows(named=True)[1] == {
        "ts_event": 1_707_955_200_026 * 10**6, "ts_recv": 1_707_955_200_034 * 10**6, "seq": 200, "bid_price": 500_020,
        "ask_price": 500_030, "bid_qty": 100, "ask_qty": 25,
    }


def test_depth_bands_of_both_spellings_are_series():
    bands = (("-5", -5.5), ("-1.00", 8.5), ("1", 1.5), ("0.20", 0.25))
    text = "".join(f"2025-05-19 11:07:31,{band},7885.275,{notional}\n" for band, notional in bands)
    found = parts("binance_book_depth", "timestamp,percentage,depth,notional\n" + text)
    rows = pl.concat(part.frame for part in found)
    assert sorted(rows.select("line", "series", "value").rows()) == [
        (2, "bid_depth_5pct", 7_885.275), (2, "bid_notional_5pct", -5.5),
        (3, "bid_depth_1pct", 7_885.275), (3, "bid_notional_1pct", 8.5),
        (4, "ask_depth_1pct", 7_885.275), (4, "ask_notional_1pct", 1.5),
        (5, "ask_depth_0.2pct", 7_885.275), (5, "ask_notional_0.2pct", 0.25),
    ]
    known = registry.get("binance_book_depth").series
    assert set(rows["series"]) <= set(known)
    assert len(known) == 24
    with pytest.raises(TickhouseError) as caught:
        parts("binance_book_depth", "timestamp,percentage,depth,notional\n2025-05-19 11:07:31,7,1,1\n")
    assert (caught.value.code, caught.value.context["line"]) == (FileCode.FILE_ROW_BAD, 2)


def test_metrics_are_open_interest_and_series_with_holes():
    text = METRICS + (
        "2023-11-14 00:10:00,BTCUSDT,101.5000000000000000,3650000.5,1.5,2.5,3.5,0.9\n"
        "2023-11-14 00:05:00,BTCUSDT,100.0000000000000000,3600000,,,,1.1\n"
        "2023-11-14 00:15:00,BTCUSDT,,,,,,\n"
    )
    found = parts("binance_metrics", text, of=life("BTC/USDT", 2, 3), lag_s=60)
    interest = next(part.frame for part in found if part.dataset is Dataset.OPEN_INTEREST)
    at = 1_699_920_000 * S
    assert interest.select("ts_event", "ts_known", "qty", "line").rows() == [
        (at + 600 * S, at + 660 * S, 101_500, 2), (at + 300 * S, at + 360 * S, 100_000, 3)]
    rows = pl.concat(part.frame for part in found if part.dataset is Dataset.SERIES)
    assert dict(rows.group_by("series").len().rows()) == {
        "open_interest_value": 2, "top_accounts_long_short_ratio": 1, "top_positions_long_short_ratio": 1,
        "accounts_long_short_ratio": 1, "taker_buy_sell_ratio": 2,
    }
    assert set(rows["series"]) == set(registry.get("binance_metrics").series)
    with pytest.raises(TickhouseError) as caught:
        parts("binance_metrics", METRICS + "yesterday,BTCUSDT,,,,,,\n")
    assert (caught.value.code, caught.value.context["line"]) == (FileCode.FILE_ROW_BAD, 2)


def test_funding():
    text = "calc_time,funding_interval_hours,last_funding_rate\n1780272000001,8,0.00005703\n1780300800000,4,-1e-05\n"
    frame = read("binance_funding", text.encode())
    assert frame.select("ts_event", "rate", "mark_price").rows() == [
        (1_780_272_000_001 * 10**6, 57_030_000, 0), (1_780_300_800_000 * 10**6, -10_000_000, 0)]


@pytest.mark.parametrize(("name", "content"), [
    ("binance_klines", KLINE.format(ms=OPEN * 1_000, end=0)),
    ("binance_aggtrades", SPOT_AGG.format(ts=OPEN * 1_000, maker="True")),
])
def test_frames_conform_to_their_dataset(name, content):
    for part in registry.get(name).read(opened(content.encode(), "x-1m.csv")):
        frame = conform(part.frame.with_columns(source=pl.lit("x")), part.dataset)
        assert set(frame.columns) == {*SCHEMAS[part.dataset], "line"}


@pytest.mark.recordings
def test_historical_order_books(recordings):
    folder = recordings / "nautechsystems+nautilus_trader/tests/test_data/binance"
    snapshot = read("binance_depth", folder / "btcusdt-depth-snap.csv", of=life("BTC/USDT", 2, 3))
    assert snapshot.height == 100
    assert snapshot["flags"].to_list() == [Flag.SNAPSHOT_START, *[0] * 98, Flag.LAST]
    update = read("binance_depth", folder / "btcusdt-depth-update.csv", of=life("BTC/USDT", 2, 3))
    assert update["flags"].to_list() == [*[0] * 99, Flag.LAST]
    assert update.select("first_seq", "last_seq").unique().rows() == [(2_098_041_693_401, 2_098_041_696_700)]
    first = snapshot.filter(pl.col("line") == 2).select("side", "price", "qty", "symbol").row(0)
    assert first == (Side.BUY, 2_037_700, 1_770, "BTCUSDT")

"""Bytes of good files changed at random: the same rows, an error of ours, or a change in the lines that were hit."""

import json
import random

import polars as pl
import pytest

from infra.errors import TickhouseError
from tests.venues.files.reading import life, opened
from tests.venues.files.test_candles_fuzz import mutated
from venues.files import registry
from venues.files.errors import FileCode

MUTATIONS = 300
MS = 1_700_000_000_000
US = MS * 1_000
LIFE = life("BTC/USDT", 4, 4)
# What depends on other rows of the file, or on the place of the row in it.
PLACED = {"line", "flags", "first_seq", "last_seq", "seq", "trade_id", "bids", "asks"}


def table(header, row, count=8):
    return ((header + "\n" if header else "") + "".join(row(at) + "\n" for at in range(count))).encode()


def tardis(columns, row):
    head = "exchange,symbol,timestamp,local_timestamp," + columns
    return table(head, lambda at: f"binance,BTCUSDT,{US + at},{US + at + 5},{row(at)}")


SIDES, NUMBERS = ("asks", "bids"), ("price", "amount")
LEVELS = ",".join(f"{side}[{at}].{what}" for at in range(5) for side in SIDES for what in NUMBERS)
METRICS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
RECORDED = "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,"
BYBIT = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
CASES = {
    "binance_klines": table("", lambda at: f"{MS + 60_000 * at},1.5,2,1,1.25,7.5,{MS + 59_999},9,3,4,5,0"),
    "binance_aggtrades": table("", lambda at: f"{at},1.5,0.25,{at},{at},{MS + at},{bool(at % 2)},True"),
    "binance_trades": table(
        "id,price,qty,quote_qty,time,is_buyer_maker", lambda at: f"{at},1.5,2.5,3.75,{MS + at},true"),
    "binance_book_ticker": table("", lambda at: f"{at},1.5,2,1.75,3,{MS + at},{MS + at + 4}"),
    "binance_book_depth": table(
        "timestamp,percentage,depth,notional", lambda at: f"2024-01-01 00:00:0{at},-1.00,7.5,9.25"),
    "binance_metrics": table(METRICS, lambda at: f"2024-01-01 00:0{at}:00,BTCUSDT,7.5,9.25,1.5,,0.5,2"),
    "binance_funding": table(
        "calc_time,funding_interval_hours,last_funding_rate", lambda at: f"{MS + 28_800_000 * at},8,0.0000570{at}"),
    "binance_depth": table(
        "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu",
        lambda at: f"BTCUSDT,{MS + at // 3},{at // 3},{at // 3},{'ab'[at % 2]},set,1.{at},2.5,{at // 3 - 1}"),
    "binance_recorded_trades": table(
        RECORDED + "TradeId,Price,Quantity,IsBuyerMarketMaker",
        lambda at: f"{US + at + 9},btcusdt@trade,trade,{US + at + 5},{US + at},BTCUSDT,{at},1.5,2.5,{at % 2}"),
    "binance_recorded_depth": table(
        RECORDED + "FirstUpdateId,FinalUpdateId,IsAsk,Price,Quantity",
        lambda at: f"{US + at // 3},btcusdt@depth,depthUpdate,{US},{US},BTCUSDT,{at // 3},{at // 3},{at % 2},1.{at},2"),
    "binance_recorded_snapshots": table(
        "TimestampOfReceive,TimestampOfRequest,LastUpdateId,IsAsk,Price,Quantity",
        lambda at: f"{MS + at // 2},{MS},{at // 2},{at % 2},1.{at},2", 16),
    "bybit_trades": table(BYBIT, lambda at: f"1700000000.{at}5,BTCUSDT,Buy,0.5,1.5,PlusTick,a-{at},1,2,3"),
    "bybit_spot_trades": table("id,timestamp,price,volume,side", lambda at: f"{at},{MS + at},1.5,0.5,sell"),
    "bybit_orderbook": table("", lambda at: json.dumps({
        "topic": "orderbook.500.BTCUSDT", "type": "delta" if at else "snapshot", "ts": MS + at, "cts": MS + at - 1,
        "data": {"s": "BTCUSDT", "b": [["1.5", str(at)]], "a": [["1.75", "2"]], "u": at + 1, "seq": 5},
    })),
    "kraken_trades": table("", lambda at: f"{MS // 1_000 + at // 2},1.5,2.5"),
    "kraken_ohlcvt": table("", lambda at: f"{MS // 1_000 + 60 * at},1.5,2,1,1.75,2.5,3"),
    "tardis_trades": tardis("id,side,price,amount", lambda at: f"{'' if at % 3 else at},buy,1.5,0.5"),
    "tardis_quotes": tardis("ask_amount,ask_price,bid_price,bid_amount", lambda at: f"1,1.75,1.5,{at}"),
    "tardis_incremental_book": tardis(
        "is_snapshot,side,price,amount", lambda at: f"{'false' if at > 3 else 'true'},bid,1.{at},0.5"),
    "tardis_book_snapshot_5": tardis(LEVELS, lambda at: "1.75,1,1.5,2," * 4 + f",,1.5,{at}"),
    "tardis_derivative_ticker": tardis(
        "funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,index_price,mark_price",
        lambda at: f"{US},0.0001,,7.{at},1.5,1.5,1.25"),
}


def rows_of(name, content):
    """The values of every row by the line that it comes from."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    found = []
    for part in registry.get(name).read(opened(content, "x.csv", LIFE, interval_s=60 if "line" in name else 0)):
        kept = [column for column in part.frame.columns if column not in PLACED]
        for number, *values in part.frame.select("line", *kept).iter_rows():
            assert not any(value is None for value in values)
            found.append((lines[number - 1], part.dataset, tuple(map(str, values))))
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_file_is_refused_or_read_as_it_stands(name):
    content, rng = CASES[name], random.Random(name)
    good = rows_of(name, content)
    assert len(good) >= 8
    wanted = {}
    for line, dataset, values in good:
        wanted.setdefault(line, set()).add((dataset, values))
    codes = []
    for _ in range(MUTATIONS):
        damaged = mutated(rng, content)
        try:
            found = rows_of(name, damaged)
        except TickhouseError as error:
            codes.append(error.code)
            continue
        for line, dataset, values in found:
            # A line that was not hit says what it said before.
            assert line not in wanted or (dataset, values) in wanted[line]
    assert all(isinstance(code, FileCode) for code in codes)
    assert MUTATIONS // 6 < len(codes) < MUTATIONS


def test_every_format_of_a_venue_is_here():
    venues = ("binance", "bybit", "kraken", "tardis")
    named = {name for name in registry.names() if name.startswith(venues)}
    assert named - set(CASES) == {"tardis_book_snapshot_25"}  # as the one of five, only wider


def test_a_hundred_thousand_rows_in_many_batches_are_as_in_one(monkeypatch):
    from venues.files import table as files_table

    for name in ("tardis_incremental_book", "kraken_trades", "binance_recorded_depth", "binance_aggtrades"):
        content = CASES[name]
        whole = pl.concat(part.frame for part in registry.get(name).read(opened(content, "x.csv", LIFE)))
        monkeypatch.setattr(files_table, "_BLOCK", 64)
        pieces = pl.concat(part.frame for part in registry.get(name).read(opened(content, "x.csv", LIFE)))
        monkeypatch.undo()
        assert pieces.equals(whole)

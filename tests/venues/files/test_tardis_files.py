"""Tardis' CSV files: two clocks, empty cells, empty files."""

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset, conform
from market.events import Flag, Side
from tests.venues.files.reading import joined, life, opened, read
from venues import ccxt_trades
from venues.files import registry, table
from venues.files.errors import FileCode

T = 1_776_211_200_000_000
HEAD = "exchange,symbol,timestamp,local_timestamp,"
LIFE = life("BTC/USDT", 1, 3)
NAMES = [name for name in registry.names() if name.startswith("tardis_")]


def rows(columns, *lines):
    return (HEAD + columns + "\n" + "".join(f"binance-futures,BTCUSDT,{line}\n" for line in lines)).encode()


def test_trades_with_ids_of_every_kind():
    text = rows(
        "id,side,price,amount", f"{T},{T + 5},17,buy,5.5,1", f"{T},{T + 6},a-b,sell,5,0.001",
        f"{T},{T + 7},,unknown,5,1", f"{T},{T + 7},,unknown,5,1",
    )
    frame = read("tardis_trades", text, of=LIFE)
    assert frame.select("ts_event", "ts_known", "price", "qty", "side", "symbol").rows() == [
        (T * 1_000, (T + 5) * 1_000, 55, 1_000, Side.BUY, "BTCUSDT"),
        (T * 1_000, (T + 6) * 1_000, 50, 1, Side.SELL, "BTCUSDT"),
        *[(T * 1_000, (T + 7) * 1_000, 50, 1_000, Side.NONE, "BTCUSDT")] * 2,
    ]
    assert frame["trade_id"].to_list()[:2] == [17, ccxt_trades.number_of({"id": "a-b"})]
    assert frame["trade_id"].n_unique() == 4


def test_quotes_with_an_empty_side():
    columns = "ask_amount,ask_price,bid_price,bid_amount"
    text = rows(columns, f"{T},{T + 5},378.5,2.4,2.3,1598.3", f"{T},{T + 5},,,2.3,1")
    frame = read("tardis_quotes", text, of=LIFE)
    assert frame.select("ts_recv", "seq", "bid_price", "bid_qty", "ask_price", "ask_qty").rows() == [
        ((T + 5) * 1_000, 2, 23, 1_598_300, 24, 378_500), ((T + 5) * 1_000, 3, 23, 1_000, 0, 0)]


@pytest.mark.parametrize("block", [1 << 20, 70])
def test_book_changes_are_messages(monkeypatch, block):
    monkeypatch.setattr(table, "_BLOCK", block)
    text = rows(
        "is_snapshot,side,price,amount",
        f"{T},{T},true,ask,5.2,1", f"{T},{T},true,bid,5.1,2", f"{T},{T},true,bid,5.0,3",
        f"{T + 1},{T + 2},false,ask,5.2,0", f"{T + 1},{T + 2},false,ask,5.3,1", f"{T + 1},{T + 3},false,bid,5.1,0",
    )
    frame = joined(registry.get("tardis_incremental_book").read(opened(text, "x.csv", LIFE)))
    assert frame.select("line", "first_seq", "last_seq", "side", "price", "qty", "flags").rows() == [
        (4, 1, 1, Side.BUY, 50, 3_000, Flag.SNAPSHOT_START), (3, 1, 1, Side.BUY, 51, 2_000, 0),
        (2, 1, 1, Side.SELL, 52, 1_000, Flag.LAST),
        (5, 2, 2, Side.SELL, 52, 0, 0), (6, 2, 2, Side.SELL, 53, 1_000, Flag.LAST),
        (7, 3, 3, Side.BUY, 51, 0, Flag.LAST),
    ]


@pytest.mark.parametrize("depth", [5, 25])
def test_snapshots(depth):
    columns = ",".join(f"{side}[{at}].{what}" for at in range(depth) for side in ("asks", "bids")
                       for what in ("price", "amount"))
    full = ",".join(f"{5.1 + at / 10:.1f},{at + 1},{5 - at / 10:.1f},{at + 1}" for at in range(depth))
    thin = "5.1,1" + "," * (4 * depth - 2)
    text = rows(columns, f"{T},{T + 5},{full}", f"{T},{T + 6},{thin}")
    frame = read(f"tardis_book_snapshot_{depth}", text, of=LIFE)
    assert frame["asks"].list.len().to_list() == [depth, 1]
    assert frame["bids"].list.len().to_list() == [depth, 0]
    assert frame["bids"][0].to_list()[:2] == [{"price": 50, "qty": 1_000}, {"price": 49, "qty": 2_000}]
    assert frame["asks"][1].to_list() == [{"price": 51, "qty": 1_000}]
    conform(frame.with_columns(source=pl.lit("x")), Dataset.BOOK_SNAPSHOTS)


def test_derivative_tickers_are_open_interest_and_series():
    text = rows(
        "funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,index_price,mark_price",
        f"{T},{T + 5},{T + 9},0.0001,,105.5,5.1,5.0,5.05", f"{T},{T + 6},,0.0002,,,,,5.06",
        f"{T + 7},{T + 8},,,,106,,,",
    )
    parts = list(registry.get("tardis_derivative_ticker").read(opened(text, "x.csv", LIFE)))
    interest = joined(part for part in parts if part.dataset is Dataset.OPEN_INTEREST)
    assert interest.select("ts_event", "ts_known", "qty").rows() == [
        (T * 1_000, (T + 5) * 1_000, 105_500), ((T + 7) * 1_000, (T + 8) * 1_000, 106_000)]
    series = joined(part for part in parts if part.dataset is Dataset.SERIES)
    assert sorted(series.select("series", "ts_known", "value").rows()) == [
        ("funding_rate", (T + 6) * 1_000, 0.0002), ("index_price", (T + 5) * 1_000, 5.0),
        ("last_price", (T + 5) * 1_000, 5.1), ("mark_price", (T + 6) * 1_000, 5.06),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_says_that_nothing_happened_and_another_one_is_refused(name):
    assert list(registry.get(name).read(opened(b"", "x.csv", LIFE))) == []
    for text, code in ((b"<Error>", FileCode.FILE_NOT_DATA), (b"a,b\n1,2\n", FileCode.FILE_HEADER_CHANGED)):
        with pytest.raises(TickhouseError) as caught:
            list(registry.get(name).read(opened(text, "x.csv", LIFE)))
        assert caught.value.code is code

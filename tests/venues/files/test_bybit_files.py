"""Bybit's public files: trades in fractions of seconds, order books as messages."""

import gzip
import json

import numpy as np
import polars as pl
import pytest

from infra.errors import TickhouseError
from market.book import Books
from market.dataset import Dataset, conform
from market.events import EVENT, Flag, Kind, Side
from tests.venues.files.reading import life, read
from venues import ccxt_trades
from venues.files import bybit_orderbook
from venues.files.errors import FileCode

HEADER = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
UUID = "224061a0-e105-508c-9696-b53ab4b5bb03"
LIFE = life("XRP/USDT", 4, 1)


@pytest.mark.parametrize("more", ["", ",RPI"])
def test_trades(more):
    tail = ",1" if more else ""
    text = (
        f"{HEADER}{more}\n1620086396.8268,BTCUSDT,Buy,0.02,57199.5,ZeroMinusTick,{UUID},114399000000.0,0.02,1143.99{tail}\n"
        f"1620086395,BTCUSDT,Sell,1e-05,57199.0,PlusTick,17,1,1,1{tail}\n"
    )
    frame = read("bybit_trades", gzip.compress(text.encode()), "x.csv.gz", life("BTC/USDT", 1, 5))
    assert frame.select("ts_event", "trade_id", "price", "qty", "side", "symbol", "line").rows() == [
        (1_620_086_396_826_800_000, ccxt_trades.number_of({"id": UUID}), 571_995, 2_000, Side.BUY, "BTCUSDT", 2),
        (1_620_086_395_000_000_000, 17, 571_990, 1, Side.SELL, "BTCUSDT", 3),
    ]


def test_spot_trades():
    text = "id,timestamp,price,volume,side\n1,1668038400045,18541.9,0.002,buy\n2,1668038400046,18541.91,0.1,sell\n"
    frame = read("bybit_spot_trades", text.encode(), of=life("BTC/USDT", 2, 3))
    assert frame.select("ts_event", "trade_id", "price", "qty", "side").rows() == [
        (1_668_038_400_045 * 10**6, 1, 1_854_190, 2, 1), (1_668_038_400_046 * 10**6, 2, 1_854_191, 100, 2)]


def message(kind="delta", bids=(), asks=(), number=1, **more):
    levels = {"s": "XRPUSDT", "b": list(bids), "a": list(asks), "u": number, "seq": 7}
    content = {"topic": "orderbook.500.XRPUSDT", "type": kind, "ts": 1_733_011_200_691 + number, "data": levels}
    return json.dumps(content | more) + "\n"


def test_order_books():
    text = (
        message("snapshot", [("1.9531", "6203"), ("1.9530", "0.5")], [("1.9532", "7")], 1, cts=1_733_011_200_600)
        + message(number=2) + "\n" + message(asks=[("1.9532", "0")], number=3)
    )
    frame = read("bybit_orderbook", text.encode(), of=LIFE)
    assert frame.select("line", "first_seq", "last_seq", "side", "price", "qty", "flags").rows() == [
        (1, 1, 1, Side.BUY, 19_530, 5, Flag.SNAPSHOT_START), (1, 1, 1, Side.BUY, 19_531, 62_030, 0),
        (1, 1, 1, Side.SELL, 19_532, 70, Flag.LAST),
        (2, 2, 2, Side.NONE, 0, 0, Flag.LAST),     # nothing changed, and the number is no hole
        (4, 3, 3, Side.SELL, 19_532, 0, Flag.LAST),
    ]
    assert frame["ts_event"][0] == 1_733_011_200_600 * 10**6
    assert frame["ts_recv"][0] == 1_733_011_200_692 * 10**6
    assert frame["ts_event"][4] == frame["ts_recv"][4]  # older files have one time only


@pytest.mark.parametrize(("text", "code", "line"), [
    ("<html></html>", FileCode.FILE_NOT_DATA, 1), ('{"retCode":10001}', FileCode.FILE_NOT_DATA, 1),
    ("", FileCode.FILE_NOT_DATA, None), (message() + message()[:-9], FileCode.FILE_ROW_BAD, 2),
    (message() + message("gossip"), FileCode.FILE_ROW_BAD, 2),
    (message(bids=[("1.95315", "1")]), FileCode.FILE_ROW_BAD, 1),
    (message() + message(bids=[("x", "1")], number=2), FileCode.FILE_ROW_BAD, 2),
    (message() + message(ts=5), FileCode.FILE_STAMPS_MIXED, 2),
])
def test_what_is_no_order_book(text, code, line):
    with pytest.raises(TickhouseError) as caught:
        read("bybit_orderbook", text.encode(), of=LIFE)
    assert (caught.value.code, caught.value.context.get("line")) == (code, line)


@pytest.mark.recordings
def test_a_recorded_order_book_is_whole_and_never_crossed(recordings, monkeypatch):
    file = recordings / "nautechsystems+nautilus_trader/tests/test_data/bybit/xrpusdt-ob500.data.zip"
    frame = read("bybit_orderbook", file, of=LIFE)
    packets = frame.unique("last_seq", maintain_order=True)
    assert packets.height == 50
    assert (packets["first_seq"].diff().drop_nulls() == 1).all()
    assert frame.filter(pl.col("first_seq") == packets["first_seq"][0]).height == 1_000
    conform(frame.with_columns(source=pl.lit("x")), Dataset.BOOK_DELTAS)
    books = best_prices(frame)
    assert books[0] == (19_531, 19_532, True)
    assert all(bid < ask and proved for bid, ask, proved in books)
    # Batches of any size give the same rows.
    monkeypatch.setattr(bybit_orderbook, "_LEVELS", 100)
    assert read("bybit_orderbook", file, of=LIFE).equals(frame)


def best_prices(frame):
    """Best bid and ask after each packet, by the book that the live flow uses."""
    books, found = Books([7], places=2_048, far=64, pending=8), []
    for packet in frame.partition_by("last_seq", maintain_order=True):
        events = np.zeros(packet.height, dtype=EVENT)
        for name, column in {"ts_event": "ts_event", "ts_recv": "ts_recv", "price": "price", "qty": "qty",
                             "seq": "last_seq", "aux": "first_seq", "side": "side", "flags": "flags"}.items():
            events[name] = packet[column].to_numpy()
        events["instrument"], events["kind"] = 7, Kind.BOOK_DELTA
        if packet["flags"][0] & Flag.SNAPSHOT_START:
            events["kind"] = Kind.BOOK_SNAPSHOT
        books.apply(events)
        best = books.best(7)
        found.append((best.bid, best.ask, best.proved))
    return found

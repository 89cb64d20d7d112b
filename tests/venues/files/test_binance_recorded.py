"""Binance streams as people record them: every row is delivered, the wrong ones too."""

import pytest

from infra.errors import TickhouseError
from market.events import Flag, Side
from tests.venues.files.reading import joined, life, opened, read
from venues.files import registry
from venues.files.errors import FileCode

RECORDED = "DanielLasota+Binance-Data-Processor/binance_data_processor/test/test_csvs"


@pytest.mark.recordings
def test_recorded_trades_come_as_they_were_recorded(recordings):
    file = recordings / RECORDED / "test_negative_binance_trade_stream_spot_trxusdt_04-03-2025.csv"
    frame = read("binance_recorded_trades", file, of=life("TRX/USDT", 5, 1))
    assert frame.height == 10_000
    assert frame["trade_id"].n_unique() == 9_999       # one id stands twice: the checks say so
    assert (frame["ts_known"] >= frame["ts_event"]).all()
    assert frame["symbol"].unique().to_list() == ["TRXUSDT"]
    assert frame.select("price", "qty", "side").row(0) == (23_120, 26_194, Side.SELL)


@pytest.mark.recordings
def test_recorded_depth_with_and_without_planted_faults(recordings):
    name = "test_{}_binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv"
    good, bad = (
        read("binance_recorded_depth", recordings / RECORDED / name.format(kind), of=life("TRX/USDT", 5, 1))
        for kind in ("positive", "negative")
    )
    packets = good.unique("last_seq", maintain_order=True)
    assert (packets["first_seq"] == packets["last_seq"].shift(1) + 1).sum() == packets.height - 1
    assert (good["flags"] == Flag.LAST).sum() == packets.height
    planted = bad.sort("line").row(0, named=True)
    assert (planted["ts_event"], planted["price"], planted["line"]) == (0, -100_000, 2)
    differ = (good.sort("line").drop("flags").hash_rows() != bad.sort("line").drop("flags").hash_rows()).sum()
    assert differ == 4


def test_a_recorded_row_of_another_stream_or_with_contradicting_times_is_delivered_as_a_fault():
    head = (
        "Symbol|TimestampOfReceive|Stream|EventType|EventTime|TransactionTime|TradeId|Price|Quantity|"
        "IsBuyerMarketMaker\n"
    )
    row = "{symbol}|1741046401272286|{stream}|{kind}|{sent}|1741046401271497|{id}|{price}|5.5|{maker}\n"
    good = {"symbol": "TRXUSDT", "stream": "trxusdt@trade", "kind": "trade", "sent": 1741046401271969, "id": 1,
            "price": "0.2312", "maker": 0}
    faults = [{}, {"symbol": "BTCUSDT"}, {"stream": "btcusdt@trade"}, {"kind": "aggTrade"}, {"sent": 0},
              {"sent": 1583020800000000}, {"price": "-1"}, {"price": "0"}, {"maker": 2}, {"sent": 1741132801271969}]
    text = head + "".join(row.format(**good | fault) for fault in faults)
    frame = read("binance_recorded_trades", text.encode(), of=life("TRX/USDT", 5, 1))
    assert frame["symbol"].to_list() == [
        "TRXUSDT", "BTCUSDT trxusdt@trade trade", "TRXUSDT btcusdt@trade trade", "TRXUSDT trxusdt@trade aggTrade",
        *["TRXUSDT"] * 6]
    happened = 1_741_046_401_271_497_000
    assert frame["ts_event"].to_list() == [
        *[happened] * 4, 0, 1_583_020_800_000_000_000, *[happened] * 3, 1_741_132_801_271_969_000]
    assert frame["price"].to_list()[6:8] == [-100_000, 0]
    assert frame["side"].to_list() == [*[Side.BUY] * 8, 3, Side.BUY]
    with pytest.raises(TickhouseError) as caught:
        read("binance_recorded_trades", text.replace("TradeId", "Id").encode())
    assert (caught.value.code, caught.value.context["missing"]) == (FileCode.FILE_HEADER_CHANGED, "TradeId")


def test_recorded_depth_of_futures_is_chained_by_the_last_id_of_the_message_before():
    text = (
        "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,FirstUpdateId,FinalUpdateId,"
        "FinalUpdateIdInLastStream,IsAsk,Price,Quantity\n"
        + "".join(
            f"174104640{at}063,trxusdt@depth,depthUpdate,174104640{at}062,174104640{at}061,TRXUSDT,"
            f"{10 * at + 5},{10 * at + 9},{10 * at - 1},{side},0.23{side},100\n"
            for at in range(1, 4) for side in (1, 0)
        )
    )
    frame = joined(registry.get("binance_recorded_depth").read(opened(text.encode(), "x", life("TRX/USDT", 5, 1))))
    assert frame.select("first_seq", "last_seq", "side", "flags").rows() == [
        (10, 19, 1, 0), (10, 19, 2, 2), (20, 29, 1, 0), (20, 29, 2, 2), (30, 39, 1, 0), (30, 39, 2, 2)]


def test_recorded_snapshots_under_a_report_of_their_recorder():
    text = (
        "####\n# Remarks, with commas\n####\n"
        "TimestampOfReceive,TimestampOfRequest,LastUpdateId,IsAsk,Price,Quantity\n"
        "1700000000100,1700000000000,51,0,99.5,2\n1700000000100,1700000000000,51,0,99,0.5\n"
        "1700000000100,1700000000000,51,1,100,1\n1700000060100,1700000060000,57,1,101,1\n"
    )
    frame = read("binance_recorded_snapshots", text.encode(), of=life("BTC/USDT", 1, 1))
    assert frame.select("ts_event", "ts_recv", "seq", "line").rows() == [
        (0, 1_700_000_000_100 * 10**6, 51, 5), (0, 1_700_000_060_100 * 10**6, 57, 8)]
    assert frame["bids"].to_list() == [[{"price": 995, "qty": 20}, {"price": 990, "qty": 5}], []]
    assert frame["asks"].list.len().to_list() == [1, 1]
    with pytest.raises(TickhouseError) as caught:
        read("binance_recorded_snapshots", text.replace(",51,1,", ",51,x,").encode(), of=life("BTC/USDT", 1, 1))
    assert (caught.value.code, caught.value.context["line"]) == (FileCode.FILE_ROW_BAD, 7)

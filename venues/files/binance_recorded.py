"""Binance streams as people record them: a row a trade or book level, with the time of reception beside the venue's.

The columns are those of https://github.com/DanielLasota/Binance-Data-Processor, in any order, found by the header:
futures have some more. Lines above it that begin with # are remarks. Rows come as they were recorded, wrong ones too,
for the checks to find.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from market.events import Side
from venues.files import packets
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.sheet import MAKER_BOUGHT, PLAIN_TRADE, Sheet
from venues.files.stamps import Stamps
from venues.files.table import Layout, rows

_UNKNOWN_SIDE = 3   # no side that a book or trade has: a check names the row
_TEN_S = 10_000_000_000
_ASK = {"0": int(Side.BUY), "1": int(Side.SELL), "false": int(Side.BUY), "true": int(Side.SELL)}
_CORE = ("TimestampOfReceive", "Price", "Quantity")
_HEAD = 256 << 10  # bytes in which the header is looked for
_SENT = ("TransactionTime", "MessageOutputTime")  # of a snapshot; spot tells none


class BinanceRecordedTrades:
    """Trades, known when they were received.

    A row has two times of the venue. Where they contradict each other (sent before it happened, or after it was
    received), the one of sending is given: it is the trace of a fault.
    """

    name = "binance_recorded_trades"
    datasets = (Dataset.TRADES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades, in the order of the file."""
        happened, sent, received = Stamps(file.name), Stamps(file.name), Stamps(file.name)
        for text in _rows(file, "Symbol", "EventTime", "TransactionTime", "TradeId", "IsBuyerMarketMaker"):
            sheet = Sheet(file, text)
            times = pl.DataFrame({
                "event": happened.ns(text, "TransactionTime"), "sent": sent.ns(text, "EventTime"),
                "received": received.ns(text, "TimestampOfReceive"),
            })
            odd = (pl.col("sent") < pl.col("event")) | (pl.col("sent") > pl.col("received") + _TEN_S)
            yield sheet.part(Dataset.TRADES, {
                "ts_event": times.select(pl.when(odd).then("sent").otherwise("event")).to_series(),
                "ts_known": times["received"], "trade_id": sheet.whole("TradeId"),
                **sheet.exact({"price": "Price"}, {"qty": "Quantity"}),
                "side": _side(text["IsBuyerMarketMaker"], {word: int(side) for word, side in MAKER_BOUGHT.items()}),
                "flags": PLAIN_TRADE, "symbol": _subject(text, "trade"),
            })


class BinanceRecordedDepth:
    """Changes of an order book; a packet is the rows of one message."""

    name = "binance_recorded_depth"
    datasets = (Dataset.BOOK_DELTAS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The levels, message by message."""
        happened, received = Stamps(file.name), Stamps(file.name)
        needed = ("Symbol", "EventTime", "FirstUpdateId", "FinalUpdateId", "IsAsk")
        for text in packets.whole(_rows(file, *needed), ("FinalUpdateId", "TimestampOfReceive")):
            sheet = Sheet(file, text)
            first = sheet.whole("FirstUpdateId")
            if "FinalUpdateIdInLastStream" in text.columns:  # futures: their ids have holes, the last id before tells
                first = sheet.whole("FinalUpdateIdInLastStream") + 1
            made = pl.DataFrame({
                "ts_event": happened.ns(text, "EventTime"), "ts_recv": received.ns(text, "TimestampOfReceive"),
                "first_seq": first, "last_seq": sheet.whole("FinalUpdateId"), "side": _side(text["IsAsk"], _ASK),
                **sheet.exact({"price": "Price"}, {"qty": "Quantity"}), "packet": text["packet"], "line": text["line"],
                "symbol": _subject(text, "depthUpdate"),
            })
            frame = packets.flagged(made, pl.lit(value=False)).drop("packet")
            yield Part(Dataset.BOOK_DELTAS, frame.with_columns(
                pl.lit(file.life.id, dtype=pl.UInt32).alias("instrument")
            ))


class BinanceRecordedSnapshots:
    """Order books as REST gave them, a row a level; the time of the event is 0 where the venue tells none."""

    name = "binance_recorded_snapshots"
    datasets = (Dataset.BOOK_SNAPSHOTS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """A row a snapshot, its levels in the order of the file; its line is that of its first level."""
        happened, received = Stamps(file.name), Stamps(file.name)
        batches = _rows(file, "LastUpdateId", "IsAsk")
        for text in packets.whole(batches, ("LastUpdateId", "TimestampOfReceive")):
            sheet = Sheet(file, text)
            told = next((name for name in _SENT if name in text.columns), None)
            ours = pl.repeat(file.life.venue_symbol, text.height, eager=True)
            levels = pl.DataFrame({
                "ts_event": happened.ns(text, told) if told else pl.zeros(text.height, pl.Int64, eager=True),
                "ts_recv": received.ns(text, "TimestampOfReceive"), "seq": sheet.whole("LastUpdateId"),
                "side": sheet.word("IsAsk", _ASK), "packet": text["packet"], "line": text["line"],
                **sheet.exact({"price": "Price"}, {"qty": "Quantity"}),
                "symbol": text["Symbol"] if "Symbol" in text.columns else ours,
            })
            level = pl.struct("price", "qty")
            frame = levels.group_by("packet", maintain_order=True).agg(
                pl.col("ts_event", "ts_recv", "seq", "line", "symbol").first(),
                level.filter(pl.col("side") == int(Side.BUY)).alias("bids"),
                level.filter(pl.col("side") == int(Side.SELL)).alias("asks"),
            ).drop("packet")
            yield Part(Dataset.BOOK_SNAPSHOTS, frame.with_columns(
                pl.lit(file.life.id, dtype=pl.UInt32).alias("instrument")
            ))


def _rows(file: Opened, *needed: str) -> Iterator[pl.DataFrame]:
    """Text rows; FILE_HEADER_CHANGED unless every needed column is there."""
    head = file.content.read(_HEAD).split(b"\n")
    file.content.seek(0)
    remarks = next((at for at, line in enumerate(head) if not line.startswith(b"#")), 0)
    separator = "|" if b"|" in head[remarks] and b"," not in head[remarks] else ","
    for text in rows(file, Layout(separator=separator, banner=remarks)):
        wanted = (*_CORE, *needed)
        missing = [name for name in wanted if name not in text.columns]
        if missing:
            raise TickhouseError(
                FileCode.FILE_HEADER_CHANGED, file=file.name, line=1, missing=",".join(missing),
                found=",".join(text.columns), known=",".join(wanted),
            )
        yield text


def _side(words: pl.Series, known: dict[str, int]) -> pl.Series:
    return words.str.to_lowercase().replace_strict(known, default=_UNKNOWN_SIDE, return_dtype=pl.UInt8)


def _subject(text: pl.DataFrame, kind: str) -> pl.Series:
    """The symbol of each row, with what else it says where stream or message are not of this symbol and kind."""
    symbol = pl.col("Symbol")
    told: list[pl.Expr] = []
    if "Stream" in text.columns:
        told.append(pl.col("Stream").str.split("@").list.first().str.to_uppercase() == symbol.str.to_uppercase())
    if "EventType" in text.columns:
        told.append(pl.col("EventType") == kind)
    if not told:
        return text["Symbol"]
    words = [name for name in ("Symbol", "Stream", "EventType") if name in text.columns]
    expression = pl.when(pl.all_horizontal(told)).then(symbol).otherwise(pl.concat_str(words, separator=" "))
    return text.select(expression.alias("symbol")).to_series()


TRADES, DEPTH, SNAPSHOTS = BinanceRecordedTrades(), BinanceRecordedDepth(), BinanceRecordedSnapshots()

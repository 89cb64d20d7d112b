"""Tardis: incremental_book_L2, the changes of an order book."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from venues.files import packets, tardis
from venues.files.format import Opened, Part
from venues.files.sheet import BOOK, Sheet
from venues.files.table import rows

LAYOUT = tardis.layout("is_snapshot", "side", "price", "amount")
_MESSAGE = ("local_timestamp", "timestamp", "is_snapshot")
_TRUTH = {"true": 1, "false": 0}


class TardisBook:
    """Book changes. The files have no update numbers: messages are numbered from 1 in each file.

    Rows received in one microsecond are one message.
    """

    name = "tardis_incremental_book"
    datasets = (Dataset.BOOK_DELTAS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The levels, message by message; an amount of 0 removes one."""
        clocks = tardis.Clocks(file)
        for text in packets.whole(rows(file, LAYOUT), _MESSAGE):
            sheet = Sheet(file, text)
            made = pl.DataFrame({
                "ts_event": clocks.event.ns(text, "timestamp"), "ts_recv": clocks.received.ns(text, "local_timestamp"),
                "side": sheet.word("side", BOOK), **sheet.exact({"price": "price"}, {"qty": "amount"}),
                "snapshot": sheet.word("is_snapshot", _TRUTH), "packet": text["packet"], "line": text["line"],
                "symbol": text["symbol"],
            })
            frame = packets.flagged(made, pl.col("snapshot") == 1)
            yield Part(Dataset.BOOK_DELTAS, frame.select(
                pl.lit(file.life.id, dtype=pl.UInt32).alias("instrument"), "ts_event", "ts_recv",
                pl.col("packet").alias("first_seq"), pl.col("packet").alias("last_seq"), "side", "price", "qty",
                "flags", "line", "symbol",
            ))


FORMAT = TardisBook()

"""Binance's historical order books of futures (T_DEPTH): snapshots and changes, a row a level.

Publisher: https://www.binance.com/en/support/faq/e707685b4e0f408fa7c1b9ccd8ea7aa9.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from market.events import Side
from venues.files import packets
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

_COLUMNS = ("symbol", "timestamp", "first_update_id", "last_update_id", "side", "update_type", "price", "qty", "pu")
LAYOUT = Layout(
    (_COLUMNS,), Header.OPTIONAL,
    whole=frozenset({"timestamp", "first_update_id", "last_update_id", "pu"}),
)
_SIDES = {"b": Side.BUY, "a": Side.SELL}
_KINDS = {"snap": 1, "set": 0}
_UNKNOWN = -1  # `pu` of a snapshot: nothing came before


class BinanceDepth:
    """Book changes; the files tell no time of reception, so it is that of the event."""

    name = "binance_depth"
    datasets = (Dataset.BOOK_DELTAS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The levels, message by message. A file of snapshots and one of changes can stand for themselves."""
        stamps = Stamps(file.name)
        for text in packets.whole(rows(file, LAYOUT), ("last_update_id", "timestamp", "update_type")):
            sheet, when = Sheet(file, text), stamps.ns(text, "timestamp")
            made = pl.DataFrame({
                "ts_event": when, "ts_recv": when, "first": sheet.whole("first_update_id"), "before": sheet.whole("pu"),
                "last_seq": sheet.whole("last_update_id"), "side": sheet.word("side", _SIDES),
                **sheet.exact({"price": "price"}, {"qty": "qty"}), "snapshot": sheet.word("update_type", _KINDS),
                "packet": text["packet"], "line": text["line"], "symbol": text["symbol"],
            })
            first = pl.when(pl.col("before") == _UNKNOWN).then("first").otherwise(pl.col("before") + 1)
            frame = packets.flagged(made, pl.col("snapshot") == 1).with_columns(first_seq=first)
            yield Part(Dataset.BOOK_DELTAS, frame.select(
                pl.lit(file.life.id, dtype=pl.UInt32).alias("instrument"), "ts_event", "ts_recv", "first_seq",
                "last_seq", "side", "price", "qty", "flags", "line", "symbol",
            ))


FORMAT = BinanceDepth()

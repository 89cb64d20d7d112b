"""Kraken's downloadable trades: `time,price,volume` without a header, in whole seconds or with a fraction.

Publisher: https://support.kraken.com/articles/360047543791-downloadable-historical-market-data-time-and-sales-
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from market.events import Side
from venues.files.format import Opened, Part
from venues.files.ids import TradeIds
from venues.files.sheet import PLAIN_TRADE, Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

LAYOUT = Layout((("time", "price", "volume"),), Header.NONE)
_SECOND = 1_000_000_000


class KrakenTrades:
    """Trades without side and id. Equal rows are distinct trades: each gets an id of its own, the same at each reading.

    A stamp in whole seconds says that the trade happened within that second: it is known at its end.
    """

    name = "kraken_trades"
    datasets = (Dataset.TRADES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades, in the order of the file."""
        stamps, ids = Stamps(file.name), TradeIds(file.name)
        for text in rows(file, LAYOUT):
            sheet, when = Sheet(file, text), stamps.ns(text, "time")
            made = pl.DataFrame({
                "ts_event": when, **sheet.exact({"price": "price"}, {"qty": "volume"}), "line": text["line"],
            }).with_columns(side=pl.lit(int(Side.NONE), dtype=pl.UInt8))
            known = made.select(
                pl.when(pl.col("ts_event") % _SECOND == 0).then(pl.col("ts_event") + _SECOND).otherwise("ts_event")
            )
            yield sheet.part(Dataset.TRADES, {
                "ts_event": when, "ts_known": known.to_series(), "trade_id": ids.of(made), "price": made["price"],
                "qty": made["qty"], "side": made["side"], "flags": PLAIN_TRADE,
            })


FORMAT = KrakenTrades()

"""Tardis: trades."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from market.events import Side
from venues.files import tardis
from venues.files.format import Opened, Part
from venues.files.ids import TradeIds, numbers_of
from venues.files.sheet import PLAIN_TRADE, TAKER, Sheet
from venues.files.table import rows

LAYOUT = tardis.layout("id", "side", "price", "amount")
_SIDES = {**TAKER, "unknown": Side.NONE}


class TardisTrades:
    """Trades, known when Tardis received them."""

    name = "tardis_trades"
    datasets = (Dataset.TRADES,)
    spill_s = tardis.SPILL_S

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades. An id that is no number becomes one, a trade without an id gets one made of its row."""
        clocks, ids = tardis.Clocks(file), TradeIds(file.name, ordered=False)
        for text in rows(file, LAYOUT):
            sheet = Sheet(file, text)
            made = pl.DataFrame({
                "ts_event": clocks.event.ns(text, "timestamp"), **sheet.exact({"price": "price"}, {"qty": "amount"}),
                "side": sheet.word("side", _SIDES), "line": text["line"],
            })
            unnamed = text["id"] == ""
            number = numbers_of(text["id"])
            if unnamed.any():
                number = number.scatter(unnamed.arg_true(), ids.of(made.filter(unnamed)))
            yield sheet.part(Dataset.TRADES, {
                "ts_event": made["ts_event"], "ts_known": clocks.received.ns(text, "local_timestamp"),
                "trade_id": number, "price": made["price"], "qty": made["qty"], "side": made["side"],
                "flags": PLAIN_TRADE, "symbol": text["symbol"],
            })


FORMAT = TardisTrades()

"""Tardis: best bid and ask (`quotes` and `book_ticker`)."""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files import tardis
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.table import rows

LAYOUT = tardis.layout("ask_amount", "ask_price", "bid_price", "bid_amount")


class TardisQuotes:
    """Quotes; a side that is empty is 0. The files have no update numbers: `seq` is the row's line."""

    name = "tardis_quotes"
    datasets = (Dataset.QUOTES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The quotes."""
        clocks = tardis.Clocks(file)
        for text in rows(file, LAYOUT):
            sheet = Sheet(file, text)
            numbers = sheet.exact_or_none(
                {"bid_price": "bid_price", "ask_price": "ask_price"}, {"bid_qty": "bid_amount", "ask_qty": "ask_amount"}
            )
            yield sheet.part(Dataset.QUOTES, {
                "ts_event": clocks.event.ns(text, "timestamp"), "ts_recv": clocks.received.ns(text, "local_timestamp"),
                "seq": text["line"], **{name: series.fill_null(0) for name, series in numbers.items()},
                "symbol": text["symbol"],
            })


FORMAT = TardisQuotes()

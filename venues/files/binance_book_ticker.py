"""Binance public data: best bid and ask of the futures markets (2023-05 to 2024-03).

Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

LAYOUT = Layout((
    ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time", "event_time"),
), Header.OPTIONAL, whole=frozenset({"update_id", "transaction_time", "event_time"}))


class BinanceBookTicker:
    """Quotes, received when Binance sent them. The files are not in the order of time."""

    name = "binance_book_ticker"
    datasets = (Dataset.QUOTES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The quotes."""
        happened, sent = Stamps(file.name), Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet = Sheet(file, text)
            yield sheet.part(Dataset.QUOTES, {
                "ts_event": happened.ns(text, "transaction_time"), "ts_recv": sent.ns(text, "event_time"),
                "seq": sheet.whole("update_id"),
                **sheet.exact(
                    {"bid_price": "best_bid_price", "ask_price": "best_ask_price"},
                    {"bid_qty": "best_bid_qty", "ask_qty": "best_ask_qty"},
                ),
            })


FORMAT = BinanceBookTicker()

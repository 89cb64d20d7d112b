"""Bybit public data: trades of its spot market (https://public.bybit.com/spot/)."""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.sheet import PLAIN_TRADE, TAKER, Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

_COLUMNS = ("id", "timestamp", "price", "volume", "side", "rpi")  # rpi since 2025
LAYOUT = Layout((_COLUMNS, _COLUMNS[:-1]), Header.OPTIONAL, whole=frozenset({"id", "timestamp"}))


class BybitSpotTrades:
    """Trades; their ids count the rows of a file."""

    name = "bybit_spot_trades"
    datasets = (Dataset.TRADES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades."""
        stamps = Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet, when = Sheet(file, text), stamps.ns(text, "timestamp")
            yield sheet.part(Dataset.TRADES, {
                "ts_event": when, "ts_known": when, "trade_id": sheet.whole("id"),
                **sheet.exact({"price": "price"}, {"qty": "volume"}),
                "side": sheet.word("side", TAKER), "flags": PLAIN_TRADE,
            })


FORMAT = BybitSpotTrades()

"""Bybit public data: trades of its futures and perpetuals (https://public.bybit.com/trading/)."""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.ids import numbers_of
from venues.files.sheet import PLAIN_TRADE, TAKER, Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

_COLUMNS = (
    "timestamp", "symbol", "side", "size", "price", "tickDirection", "trdMatchID", "grossValue", "homeNotional",
    "foreignNotional", "RPI",  # RPI since 2025
)
LAYOUT = Layout(
    (_COLUMNS, _COLUMNS[:-1]), Header.OPTIONAL,
    wanted=frozenset({"timestamp", "symbol", "side", "size", "price", "trdMatchID"}),
)


class BybitTrades:
    """Trades, some years newest first. Stamps are seconds with a fraction; the size of inverse contracts is in USD."""

    name = "bybit_trades"
    datasets = (Dataset.TRADES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades; their ids are numbers made of the match ids, the same as from REST."""
        stamps = Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet, when = Sheet(file, text), stamps.ns(text, "timestamp")
            yield sheet.part(Dataset.TRADES, {
                "ts_event": when, "ts_known": when, "trade_id": numbers_of(text["trdMatchID"]),
                **sheet.exact({"price": "price"}, {"qty": "size"}),
                "side": sheet.word("side", TAKER), "flags": PLAIN_TRADE, "symbol": text["symbol"],
            })


FORMAT = BybitTrades()

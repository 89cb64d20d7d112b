"""Binance public data: aggregate trades of the spot, USD-M and COIN-M markets.

Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.sheet import AGGREGATE_TRADE, MAKER_BOUGHT, Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

_COLUMNS = (
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker",
    "is_best_match",  # spot only
)
LAYOUT = Layout(
    (_COLUMNS, _COLUMNS[:-1]), Header.OPTIONAL,
    wanted=frozenset({"agg_trade_id", "price", "quantity", "transact_time", "is_buyer_maker"}),
    whole=frozenset({"agg_trade_id", "transact_time"}),
)


class BinanceAggTrades:
    """Trades, each the fills of one taker order at one price within 100 ms."""

    name = "binance_aggtrades"
    datasets = (Dataset.TRADES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades, in the order of the file: by id, but for files of some early years."""
        stamps = Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet, when = Sheet(file, text), stamps.ns(text, "transact_time")
            yield sheet.part(Dataset.TRADES, {
                "ts_event": when, "ts_known": when, "trade_id": sheet.whole("agg_trade_id"),
                **sheet.exact({"price": "price"}, {"qty": "quantity"}),
                "side": sheet.word("is_buyer_maker", MAKER_BOUGHT), "flags": AGGREGATE_TRADE,
            })


FORMAT = BinanceAggTrades()

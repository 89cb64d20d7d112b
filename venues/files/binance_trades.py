"""Binance public data: single trades of the spot, USD-M and COIN-M markets.

Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.sheet import MAKER_BOUGHT, PLAIN_TRADE, Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

_SPOT = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match")
_COIN_M = ("id", "price", "qty", "base_qty", "time", "is_buyer_maker")
LAYOUT = Layout(
    (_SPOT, _SPOT[:-1], _COIN_M), Header.OPTIONAL,
    wanted=frozenset({"id", "price", "qty", "time", "is_buyer_maker"}), whole=frozenset({"id", "time"}),
)


class BinanceTrades:
    """Trades; COIN-M quantities are contracts, as the instrument's are."""

    name = "binance_trades"
    datasets = (Dataset.TRADES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The trades. Ids of futures have holes: some trades (of the insurance fund) are in no file."""
        stamps = Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet, when = Sheet(file, text), stamps.ns(text, "time")
            yield sheet.part(Dataset.TRADES, {
                "ts_event": when, "ts_known": when, "trade_id": sheet.whole("id"),
                **sheet.exact({"price": "price"}, {"qty": "qty"}),
                "side": sheet.word("is_buyer_maker", MAKER_BOUGHT), "flags": PLAIN_TRADE,
            })


FORMAT = BinanceTrades()

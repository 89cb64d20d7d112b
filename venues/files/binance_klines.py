"""Binance public data: klines of the spot, USD-M and COIN-M markets, any interval.

Spot files have no header and futures files got one in 2022; spot stamps are microseconds since 2025, in the same
columns. Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from venues.files import intervals
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

# Names differ between years and markets, the order never did.
_COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)
_OTHER_NAMES = {
    "quote_volume": "quote_asset_volume", "count": "number_of_trades",
    "taker_buy_volume": "taker_buy_base_asset_volume", "taker_buy_quote_volume": "taker_buy_quote_asset_volume",
}
LAYOUT = Layout(
    (_COLUMNS, tuple(_OTHER_NAMES.get(name, name) for name in _COLUMNS)), Header.OPTIONAL,
    wanted=frozenset({"open_time", "open", "high", "low", "close", "volume", "count", "number_of_trades"}),
    whole=frozenset({"open_time", "count", "number_of_trades"}),
)


class BinanceKlines:
    """Bars. COIN-M volumes are contracts, as the instrument's quantities are."""

    name = "binance_klines"
    datasets = (Dataset.BARS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The bars; their length by option `interval_s`, the file's name or the stamps."""
        stamps, interval_s = Stamps(file.name), int(file.options.get("interval_s", 0))
        for text in rows(file, LAYOUT):
            sheet = Sheet(file, text)
            opens = stamps.ns(text, "open_time")
            interval_s = interval_s or intervals.find(file.name, None, opens)
            yield sheet.part(Dataset.BARS, {
                "interval_s": interval_s, "ts_event": opens, "ts_known": intervals.ends(opens, interval_s),
                "count": sheet.whole(_count(text)),
                **sheet.exact({name: name for name in ("open", "high", "low", "close")}, {"volume": "volume"}),
            })


def _count(text: pl.DataFrame) -> str:
    return "count" if "count" in text.columns else _OTHER_NAMES["count"]


FORMAT = BinanceKlines()

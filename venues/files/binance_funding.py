"""Binance public data: funding rates of the futures markets, a file a month.

Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

LAYOUT = Layout((("calc_time", "funding_interval_hours", "last_funding_rate"),), Header.OPTIONAL)


class BinanceFunding:
    """Funding rates; the files have no mark price (0: not told). Times are some milliseconds past the hour."""

    name = "binance_funding"
    datasets = (Dataset.FUNDING_RATES,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The rates, known when they were settled."""
        stamps = Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet, when = Sheet(file, text), stamps.ns(text, "calc_time")
            yield sheet.part(Dataset.FUNDING_RATES, {
                "ts_event": when, "ts_known": when, "mark_price": 0,
                **sheet.exact(rates={"rate": "last_funding_rate"}),
            })


FORMAT = BinanceFunding()

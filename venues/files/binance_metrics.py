"""Binance public data: open interest and long/short ratios of the futures markets, each five minutes.

Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

from market.dataset import Dataset
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.table import Header, Layout, rows

_SECOND = 1_000_000_000
_SERIES = {  # column -> series
    "sum_open_interest_value": "open_interest_value",
    "count_toptrader_long_short_ratio": "top_accounts_long_short_ratio",
    "sum_toptrader_long_short_ratio": "top_positions_long_short_ratio",
    "count_long_short_ratio": "accounts_long_short_ratio",
    "sum_taker_long_short_vol_ratio": "taker_buy_sell_ratio",
}
LAYOUT = Layout((("create_time", "symbol", "sum_open_interest", *_SERIES),), Header.OPTIONAL)


class BinanceMetrics:
    """Open interest, and the ratios as series. Rows are not always in the order of time.

    The files do not say when a figure was published: option `lag_s` adds that to its time (0).
    """

    name = "binance_metrics"
    datasets = (Dataset.OPEN_INTEREST, Dataset.SERIES)
    series = tuple(_SERIES.values())

    def read(self, file: Opened) -> Iterator[Part]:
        """A part a dataset or series and batch. An empty cell is no figure, and no row."""
        lag = int(file.options.get("lag_s", 0)) * _SECOND
        for text in rows(file, LAYOUT):
            whole = Sheet(file, text)
            whole.written_time("create_time")  # also where every figure of a row is empty
            sheet = whole.told("sum_open_interest")
            when = sheet.written_time("create_time")
            yield sheet.part(Dataset.OPEN_INTEREST, {
                "ts_event": when, "ts_known": when + lag, "symbol": sheet.text["symbol"],
                **sheet.exact(qtys={"qty": "sum_open_interest"}),
            })
            for column, name in _SERIES.items():
                sheet = whole.told(column)
                when = sheet.written_time("create_time")
                yield sheet.part(Dataset.SERIES, {
                    "series": name, "ts_event": when, "ts_known": when + lag, "value": sheet.real(column),
                    "symbol": sheet.text["symbol"],
                })


FORMAT = BinanceMetrics()

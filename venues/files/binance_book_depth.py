"""Binance public data: what rests within some percent of the price, each half minute (futures; no order book).

Publisher: https://github.com/binance/binance-public-data.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.table import Header, Layout, rows

LAYOUT = Layout((("timestamp", "percentage", "depth", "notional"),), Header.OPTIONAL)
_BANDS = ("0.2", "1", "2", "3", "4", "5")  # percent; 0.2 since 2026
_SIDES = (("bid", -1), ("ask", 1))


class BinanceBookDepth:
    """Series: `bid_depth_1pct` is the quantity that bids within 1 % of the price add up to, `bid_notional_1pct` its
    worth in the quote currency; the same for asks, and for 0.2, 2, 3, 4 and 5 %.
    """

    name = "binance_book_depth"
    datasets = (Dataset.SERIES,)
    series = tuple(
        f"{side}_{what}_{band}pct" for side, _ in _SIDES for band in _BANDS for what in ("depth", "notional")
    )

    def read(self, file: Opened) -> Iterator[Part]:
        """A part a series and batch; FILE_ROW_BAD for a band that is not one of these."""
        bands = {sign * float(band): f"{side}_{{}}_{band}pct" for side, sign in _SIDES for band in _BANDS}
        for text in rows(file, LAYOUT):
            percent = text["percentage"].cast(pl.Float64, strict=False)
            strange = ~percent.is_in(list(bands)).fill_null(value=False)
            if strange.any():
                at = strange.arg_true()[0]
                raise TickhouseError(
                    FileCode.FILE_ROW_BAD, file=file.name, line=text["line"][at], column="percentage",
                    problem="not one of the bands", row=text["percentage"][at],
                )
            for value, name in bands.items():
                sheet = Sheet(file, text.filter(percent == value))
                if sheet.text.height:
                    when = sheet.written_time("timestamp")
                    for what in ("depth", "notional"):
                        yield sheet.part(Dataset.SERIES, {
                            "series": name.format(what), "ts_event": when, "ts_known": when, "value": sheet.real(what),
                        })


FORMAT = BinanceBookDepth()

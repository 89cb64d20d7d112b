"""Tardis: book_snapshot_25 and book_snapshot_5, the best levels whenever they change."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from venues.files import tardis
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.table import Layout, rows

_SIDES = ("asks", "bids")


def _layout(depth: int) -> Layout:
    return tardis.layout(*(
        f"{side}[{level}].{what}" for level in range(depth) for side in _SIDES for what in ("price", "amount")
    ))


class TardisSnapshots:
    """Snapshots, best level first. The files have no update numbers: `seq` is the row's line."""

    datasets = (Dataset.BOOK_SNAPSHOTS,)

    def __init__(self, depth: int) -> None:
        self.name = f"tardis_book_snapshot_{depth}"
        self._depth = depth
        self._layout = _layout(depth)

    def read(self, file: Opened) -> Iterator[Part]:
        """The snapshots; levels that are empty are left out."""
        clocks = tardis.Clocks(file)
        for text in rows(file, self._layout):
            sheet = Sheet(file, text)
            prices = {name: name for name in text.columns if name.endswith(".price")}
            qtys = {name: name for name in text.columns if name.endswith("].amount")}
            levels = pl.DataFrame(sheet.exact_or_none(prices, qtys))
            yield sheet.part(Dataset.BOOK_SNAPSHOTS, {
                "ts_event": clocks.event.ns(text, "timestamp"), "ts_recv": clocks.received.ns(text, "local_timestamp"),
                "seq": text["line"], **{side: self._side(levels, side) for side in _SIDES}, "symbol": text["symbol"],
            })

    def _side(self, levels: pl.DataFrame, side: str) -> pl.Series:
        found = []
        for level in range(self._depth):
            price, qty = pl.col(f"{side}[{level}].price"), pl.col(f"{side}[{level}].amount")
            pair = pl.struct(price.alias("price"), qty.alias("qty"))
            found.append(pl.when(price.is_not_null() | qty.is_not_null()).then(pair))
        return levels.select(pl.concat_list(found).list.drop_nulls().alias(side)).to_series()


FORMAT_5, FORMAT_25 = TardisSnapshots(5), TardisSnapshots(25)

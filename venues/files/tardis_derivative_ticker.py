"""Tardis: derivative_ticker: open interest, index and mark price, and the funding rate to come."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from market.dataset import Dataset
from venues.files import tardis
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.table import rows

LAYOUT = tardis.layout(
    "funding_timestamp", "funding_rate", "predicted_funding_rate", "open_interest", "last_price", "index_price",
    "mark_price",
)
_SERIES = ("funding_rate", "predicted_funding_rate", "last_price", "index_price", "mark_price")


class TardisDerivativeTicker:
    """Open interest, and the other figures as series. `funding_rate` is the one that the next funding would take.

    It is no settled rate: those are the dataset `funding_rates`, from the venue. Of several messages of one moment the
    last stands.
    """

    name = "tardis_derivative_ticker"
    datasets = (Dataset.OPEN_INTEREST, Dataset.SERIES)
    series = _SERIES
    spill_s = tardis.SPILL_S

    def read(self, file: Opened) -> Iterator[Part]:
        """A part a dataset or series and batch; an empty cell is no figure, and no row."""
        clocks = tardis.Clocks(file)
        for text in rows(file, LAYOUT):
            # Rows of one moment are neighbours: the files are in the order of time.
            stamped = text.with_columns(
                clocks.event.ns(text, "timestamp").alias("_event"),
                clocks.received.ns(text, "local_timestamp").alias("_known"),
            )
            sheet = _latest(Sheet(file, stamped).told("open_interest"))
            yield sheet.part(Dataset.OPEN_INTEREST, {
                **_times(sheet), **sheet.exact(qtys={"qty": "open_interest"}), "symbol": sheet.text["symbol"],
            })
            for name in _SERIES:
                sheet = _latest(Sheet(file, stamped).told(name))
                yield sheet.part(Dataset.SERIES, {
                    "series": name, **_times(sheet), "value": sheet.real(name), "symbol": sheet.text["symbol"],
                })


def _latest(sheet: Sheet) -> Sheet:
    return sheet.where(pl.col("_event").is_last_distinct())


def _times(sheet: Sheet) -> dict[str, pl.Series]:
    return {"ts_event": sheet.text["_event"], "ts_known": sheet.text["_known"]}


FORMAT = TardisDerivativeTicker()

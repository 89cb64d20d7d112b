"""Kraken's downloadable bars: `time,open,high,low,close,volume,trades` without a header, a file an interval.

Publisher: https://support.kraken.com/articles/360047124832-downloadable-historical-ohlcvt-open-high-low-close-volume-trades-data
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from market.dataset import Dataset
from venues.files import intervals
from venues.files.format import Opened, Part
from venues.files.sheet import Sheet
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout, rows

LAYOUT = Layout(
    (("time", "open", "high", "low", "close", "volume", "trades"),), Header.NONE, whole=frozenset({"time", "trades"})
)
_MINUTES = re.compile(r"_(\d{1,5})\.csv$")  # XBTUSD_60.csv


class KrakenOhlcvt:
    """Bars, none where nothing was traded; their length by option `interval_s`, the file's name or the stamps."""

    name = "kraken_ohlcvt"
    datasets = (Dataset.BARS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The bars, in the order of the file."""
        minutes = _MINUTES.search(file.name)
        interval_s = int(file.options.get("interval_s", 0)) or (int(minutes[1]) * 60 if minutes else 0)
        stamps = Stamps(file.name)
        for text in rows(file, LAYOUT):
            sheet, opens = Sheet(file, text), stamps.ns(text, "time")
            interval_s = interval_s or intervals.find(file.name, None, opens)
            yield sheet.part(Dataset.BARS, {
                "interval_s": interval_s, "ts_event": opens, "ts_known": intervals.ends(opens, interval_s),
                "count": sheet.whole("trades"),
                **sheet.exact({name: name for name in ("open", "high", "low", "close")}, {"volume": "volume"}),
            })


FORMAT = KrakenOhlcvt()

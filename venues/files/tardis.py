"""What Tardis' CSV files have in common (https://docs.tardis.dev/downloadable-csv-files/data-types).

Microseconds UTC; `timestamp` is the venue's, `local_timestamp` when Tardis received the message, by which the files
are cut into days. A cell is empty where the venue tells nothing, and a file is empty where nothing happened.
"""

from __future__ import annotations

from venues.files.format import Opened
from venues.files.stamps import Stamps
from venues.files.table import Header, Layout

SPILL_S = 60  # a message received just after midnight tells of the day before
_HEAD = ("exchange", "symbol", "timestamp", "local_timestamp")


def layout(*columns: str) -> Layout:
    """The four columns that every file begins with, and these."""
    names = (*_HEAD, *columns)
    whole = frozenset({"timestamp", "local_timestamp"})
    return Layout((names,), Header.REQUIRED, may_be_empty=True, wanted=frozenset(names[1:]), whole=whole)


class Clocks:
    """The two stamps of one file."""

    def __init__(self, file: Opened) -> None:
        self.event = Stamps(file.name)
        self.received = Stamps(file.name)

"""`freqtrade_feather`: freqtrade's data in Arrow (Feather) files."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from infra.errors import TickhouseError
from venues.files import arrow
from venues.files.errors import FileCode
from venues.files.format import Opened
from venues.files.freqtrade import Freqtrade
from venues.files.table import LINE


def _rows(file: Opened, names: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    for batch in arrow.feather(file):
        found = [name for name in batch.columns if name != LINE]
        if tuple(found) != names:
            raise TickhouseError(
                FileCode.FILE_HEADER_CHANGED, file=file.name, found=",".join(found), known=",".join(names)
            )
        yield batch


FORMAT = Freqtrade("freqtrade_feather", _rows)

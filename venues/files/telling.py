"""What rows of a file that is no plain text looked like: for quarantine and audits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from venues.files import encoding
from venues.files import open as unpack
from venues.files.table import LINE

if TYPE_CHECKING:
    from venues.files.format import Opened


def of_batches(batches: Iterable[pl.DataFrame], lines: Sequence[int]) -> dict[int, str]:
    """The rows at these places, each as a JSON object of its cells."""
    found: dict[int, str] = {}
    left = sorted(set(lines))
    for batch in batches:
        for row in batch.filter(pl.col(LINE).is_in(left)).iter_rows(named=True):
            line = row.pop(LINE)
            found[line] = json.dumps(row, default=str)
        if len(found) == len(left):
            break
    return found


def of_text(file: Opened, lines: Sequence[int], code: str = "") -> dict[int, str]:
    """The physical lines at these places, of text in any encoding."""
    found = unpack.lines(encoding.utf8(file, code), lines)
    return {line: text.decode(errors="backslashreplace") for line, text in found.items()}

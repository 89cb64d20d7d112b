"""What a bulk-file format is: bytes of one file in, frames of one or more datasets out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import polars as pl

    from market.dataset import Dataset
    from market.instrument import Instrument

BATCH = 500_000  # rows of a part at most: what a reader holds in memory


@dataclass(frozen=True, slots=True)
class Opened:
    """One file, unpacked and checked: what a format reads."""

    name: str                # as people know it, for errors: the path or URL and, in an archive, the member
    content: IO[bytes]       # from its first byte; seekable
    life: Instrument         # whose rows these are: id and scales
    options: Mapping[str, Any] = field(default_factory=dict)  # of the source's entry in config/sources.toml


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one dataset, at most `BATCH` of them, in the order of the file.

    `frame` has the dataset's columns (`market.dataset.SCHEMAS`) but `source`, and `line`: the row's place in the
    file, from 1 (text: the physical line, headers counted; tables: the row).
    """

    dataset: Dataset
    frame: pl.DataFrame


class Format(Protocol):
    """A dialect. Rows that cannot be read are an error that names file and line (FILE_*), never dropped, never guessed.

    1. `read` is lazy and holds one batch at a time.
    2. Prices and quantities are exact: text with more digits than the scale is FILE_ROW_BAD, nothing is rounded. From
       binary floats the nearest decimal at the scale is taken, and it must give the same float back.
    3. Times become UTC nanoseconds of the *start* of what the row describes (a bar's open), whatever the file stamps.
    4. A header is compared with the one the format knows: FILE_HEADER_CHANGED, not a shifted column.
    """

    name: str
    datasets: tuple[Dataset, ...]

    def read(self, file: Opened) -> Iterator[Part]:
        """The rows of `file`."""
        ...


@runtime_checkable
class Spilling(Protocol):
    """A format whose files are cut by another clock than the rows' own: a row of this day may be in the next file."""

    spill_s: int


@runtime_checkable
class TellingRows(Protocol):
    """A format that is no text with a row a line: it says itself what its rows look like."""

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The rows at these places (`line` of a part's frame) as the file has them."""
        ...

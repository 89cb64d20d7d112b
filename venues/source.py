"""What history is asked of, whatever answers: a venue's REST interface, bulk files, our own live capture, an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import polars as pl

    from market.dataset import Dataset
    from market.instrument import Instrument, InstrumentSpec


@dataclass(frozen=True, slots=True)
class Request:
    """Rows of one dataset of one life whose `market.dataset.clock` lies in [start, end), ns."""

    dataset: Dataset
    life: Instrument     # for a market-wide series: `market.instrument.market_of(venue)`
    start: int
    end: int
    interval_s: int = 60  # of bars
    series: str = ""      # of a series


class Source(Protocol):
    """A place that has history. Errors are `TickhouseError` with the code of what went wrong and the next step."""

    @property
    def name(self) -> str:
        """What stands in the column `source`: "binance-rest"."""
        ...

    @property
    def venue(self) -> str:
        """Whose history it is, as the ingest log calls it."""
        ...

    def now(self) -> int:
        """The source's clock, ns: a day that has not ended by it cannot be complete."""
        ...

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentSpec]:
        """What the source says about these symbols now; none where it knows nothing of instruments."""
        ...

    def fetch(self, request: Request) -> Iterator[pl.DataFrame]:
        """Batches in the columns of `market.dataset.SCHEMAS`, plus `line` where rows have a place in a file.

        Rows outside the range are not given. No row at all is an answer: nothing happened, as far as the source knows.
        """
        ...

    def fingerprint(self, request: Request) -> str:
        """What changes when the answer does, found without fetching it (a file's hash); "" where only asking tells."""
        ...

    def raw(self, request: Request, rows: pl.DataFrame) -> list[str]:
        """These rows, of an answer to `request`, as the source wrote them: for quarantine and audits."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A source that leaves something behind if it is not closed."""

    def close(self) -> None:
        """Gives it back."""
        ...


@contextmanager
def opened(source: Source) -> Iterator[Source]:
    """The source, closed at the end where it wants that."""
    try:
        yield source
    finally:
        if isinstance(source, Closing):
            source.close()

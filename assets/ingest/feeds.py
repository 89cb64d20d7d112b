"""What is taken from a venue's REST interface, as data: the asset of each dataset and the size of its bites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from market.dataset import Dataset, label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from venues import catalogue

DAY_S = 86_400
CHUNK_ROWS = 1_000_000    # aimed at by the number of days that are fetched, judged and published at once
CHUNK_DAYS = 400          # at most, however few rows a day has: what a killed run has to do again
_FIRST_DAYS = {           # where nothing tells the rows of a day before the first have come
    Dataset.TRADES: 2, Dataset.FUNDING_RATES: 365, Dataset.OPEN_INTEREST: 90, Dataset.SERIES: 365,
}
# Venues whose ccxt class has a history of open interest: known here, because asking ccxt costs seconds at each start.
_OPEN_INTEREST = frozenset({"binance", "binanceusdm", "bitget", "bybit", "htx", "okx"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked for of an instrument, and is whole or not by itself."""

    dataset: Dataset
    interval_s: int = 60  # of bars
    series: str = ""      # of a series

    @property
    def label(self) -> str:
        """Its name in the ingest log and the quality tables."""
        return label(self.dataset, self.interval_s, self.series)

    def chunk_days(self, rows_a_day: float | None = None) -> int:
        """Days for one bite, at least one; `rows_a_day` is what the days before had."""
        if rows_a_day is None and self.dataset is Dataset.BARS:
            rows_a_day = DAY_S / self.interval_s
        if rows_a_day is None:
            return _FIRST_DAYS.get(self.dataset, 1)
        return min(max(int(CHUNK_ROWS / max(rows_a_day, 1)), 1), CHUNK_DAYS)


@dataclass(frozen=True, slots=True)
class Feed:
    """An asset of a venue."""

    asset: str       # last part of the asset key
    subject: Subject
    description: str

    @property
    def dataset(self) -> Dataset:
        """The table."""
        return self.subject.dataset


_WORDS = {
    Dataset.TRADES: "Trades by REST, aggregate ones where the venue numbers those",
    Dataset.FUNDING_RATES: "Funding settlements by REST",
    Dataset.OPEN_INTEREST: "Open interest by REST",
    Dataset.SERIES: "A dated series by REST",
}
FEEDS = (
    Feed("bars_1m", Subject(Dataset.BARS), "Bars of 60 s by REST"),
    Feed("trades", Subject(Dataset.TRADES), _WORDS[Dataset.TRADES]),
    Feed("funding", Subject(Dataset.FUNDING_RATES), _WORDS[Dataset.FUNDING_RATES]),
)
_INTEREST = Feed("open_interest", Subject(Dataset.OPEN_INTEREST), _WORDS[Dataset.OPEN_INTEREST])


def of_venue(venue: str, symbols: Iterable[str]) -> tuple[Feed, ...]:
    """What the trading venue gives without being asked in config/sources.toml; open interest is of derivatives."""
    derivatives = any(":" in symbol for symbol in symbols)
    return (*FEEDS, _INTEREST) if derivatives and venue in _OPEN_INTEREST else FEEDS


def of_catalogue(entries: Iterable[catalogue.Feed]) -> tuple[Feed, ...]:
    """Feeds as config/sources.toml names them."""
    return tuple(
        Feed(entry.name, Subject(entry.dataset, entry.interval_s, entry.series),
             _WORDS.get(entry.dataset, f"{str(entry.dataset).replace('_', ' ').capitalize()} by REST")
             if entry.dataset is not Dataset.BARS else f"Bars of {entry.interval_s} s by REST")
        for entry in entries
    )

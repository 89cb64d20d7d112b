"""Expectation suites, one file a dataset, found by the dataset and what is known about its data."""

from __future__ import annotations

from collections.abc import Callable

from market.dataset import Dataset
from quality.rule import Context, Suite
from quality.suites import (
    bars,
    book_deltas,
    book_snapshots,
    funding_rates,
    open_interest,
    quotes,
    series,
    trades,
)

_SUITES: dict[Dataset, Callable[[Context], Suite]] = {
    Dataset.BARS: bars.suite,
    Dataset.TRADES: trades.suite,
    Dataset.QUOTES: quotes.suite,
    Dataset.BOOK_DELTAS: book_deltas.suite,
    Dataset.BOOK_SNAPSHOTS: book_snapshots.suite,
    Dataset.FUNDING_RATES: funding_rates.suite,
    Dataset.OPEN_INTEREST: open_interest.suite,
    Dataset.SERIES: series.suite,
}


def get(dataset: Dataset, context: Context) -> Suite:
    """The suite of a dataset as it applies to this instrument, venue and interval."""
    return _SUITES[dataset](context)

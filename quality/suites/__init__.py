"""Expectation suites, one file a dataset, found by the dataset and what is known about its data."""

from __future__ import annotations

from typing import cast

from market.dataset import Dataset
from quality.rule import Context, Suite
from quality.suites import bars, funding_rates, trades


def get(dataset: Dataset, context: Context) -> Suite:  # noqa: ARG001 - the suites do not look at it yet
    """The suite of a dataset, KeyError for one that has none."""
    # Modules keep the protocol: checked by a test.
    suites = {Dataset.BARS: bars, Dataset.TRADES: trades, Dataset.FUNDING_RATES: funding_rates}
    return cast("Suite", suites[dataset])

"""Expectation suites, one file a dataset, found by the dataset's name."""

from __future__ import annotations

from typing import cast

from quality.rule import Suite
from quality.suites import bars, funding_rates, trades


def get(dataset: str) -> Suite:
    """The suite of a dataset, KeyError for one that has none."""
    # Modules keep the protocol: checked by a test.
    return cast("Suite", {"bars": bars, "trades": trades, "funding_rates": funding_rates}[dataset])

"""`lean_funding`: Lean's `margin_interest` of crypto futures, as funding rates."""

from __future__ import annotations

from market.dataset import Dataset
from venues.files.lean import Lean

FORMAT = Lean("lean_funding", (Dataset.FUNDING_RATES,), ("rate",))

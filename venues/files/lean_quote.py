"""`lean_quote`: Lean's bars of quotes, as the quote at each bar's end."""

from __future__ import annotations

from market.dataset import Dataset
from venues.files.lean import SIDES, Lean

FORMAT = Lean("lean_quote", (Dataset.QUOTES,), SIDES)

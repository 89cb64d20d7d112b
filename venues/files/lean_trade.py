"""`lean_trade`: Lean's bars of trades."""

from __future__ import annotations

from market.dataset import Dataset
from venues.files.lean import BAR, Lean

FORMAT = Lean("lean_trade", (Dataset.BARS,), BAR)

"""Dated series from anywhere: indices, sentiment, on-chain figures, by a column map and an explicit publication lag."""

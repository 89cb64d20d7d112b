"""The local append-only journal: the truth for orders."""

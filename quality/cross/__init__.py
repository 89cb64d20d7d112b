"""Checks of one dataset against another, one file a check; pure functions on frames."""

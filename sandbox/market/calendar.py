"""Market time in days and minutes since genesis."""

from __future__ import annotations

GENESIS_NS = 1_546_300_800_000_000_000  # 2019-01-01 UTC: nothing traded before
NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND
NS_PER_DAY = 86_400 * NS_PER_SECOND
MINUTES = 1_440
FUNDING_NS = 8 * 3_600 * NS_PER_SECOND
BLOCK_DAYS = 32
BLOCKS = 480
HORIZON_DAYS = BLOCK_DAYS * BLOCKS      # the script ends in 2061


def day_of(ts_ns: int) -> int:
    """Days since genesis; negative before it."""
    return (ts_ns - GENESIS_NS) // NS_PER_DAY


def day_start(day: int) -> int:
    """ns of a day's midnight."""
    return GENESIS_NS + day * NS_PER_DAY

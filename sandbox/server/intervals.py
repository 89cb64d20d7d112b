"""Binance's candle intervals on the UTC calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_WEEK = 7 * _DAY_MS
# 1970-01-05 was a Monday, and Binance's weeks open on Mondays.
_WEEK_ORIGIN_MS = 4 * _DAY_MS
MONTH = "1M"

INTERVALS: dict[str, int] = {
    "1s": _SECOND_MS,
    "1m": _MINUTE_MS,
    "3m": 3 * _MINUTE_MS,
    "5m": 5 * _MINUTE_MS,
    "15m": 15 * _MINUTE_MS,
    "30m": 30 * _MINUTE_MS,
    "1h": _HOUR_MS,
    "2h": 2 * _HOUR_MS,
    "4h": 4 * _HOUR_MS,
    "6h": 6 * _HOUR_MS,
    "8h": 8 * _HOUR_MS,
    "12h": 12 * _HOUR_MS,
    "1d": _DAY_MS,
    "3d": 3 * _DAY_MS,
    "1w": _WEEK,
    MONTH: 31 * _DAY_MS,  # the longest; months follow the calendar below
}


def open_of(interval: str, at_ms: int) -> int:
    """Opening time in ms of the candle that holds `at_ms`."""
    if interval == MONTH:
        day = datetime.fromtimestamp(at_ms / 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
    step = INTERVALS[interval]
    origin = _WEEK_ORIGIN_MS if step == _WEEK else 0
    return at_ms - (at_ms - origin) % step


def next_open(interval: str, open_ms: int) -> int:
    """Opening time in ms of the candle after the one that opens at `open_ms`."""
    if interval == MONTH:
        later = datetime.fromtimestamp(open_ms / 1000, UTC) + timedelta(days=32)
        return int(datetime(later.year, later.month, 1, tzinfo=UTC).timestamp()) * 1000
    return open_ms + INTERVALS[interval]


def step_back(interval: str, open_ms: int, count: int) -> int:
    """Opening time in ms of the candle `count` before the one that opens at `open_ms`."""
    if interval != MONTH:
        return open_ms - count * INTERVALS[interval]
    day = datetime.fromtimestamp(open_ms / 1000, UTC)
    months = day.year * 12 + day.month - 1 - count
    return int(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000

"""Days as partitions name them and as the tables count them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

DAY_NS = 86_400_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()


def start_ns(day: date) -> int:
    """Its first nanosecond, UTC."""
    return (day - _EPOCH).days * DAY_NS


def from_keys(keys: Sequence[str]) -> list[date]:
    """Days of partition keys, in order."""
    return sorted(date.fromisoformat(key) for key in keys)


def chunks(days: Sequence[date], size: int) -> Iterator[list[date]]:
    """Runs of at most `size` days without a hole, from days in order."""
    chunk = list(days[:1])
    for before, day in pairwise(days):
        if day - before != timedelta(days=1) or len(chunk) == size:
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk

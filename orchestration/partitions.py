"""The days that assets are partitioned by."""

from datetime import UTC, date, datetime

import dagster as dg


def daily(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from `start` on; the day that still runs is not offered, because its data cannot be complete."""
    return dg.DailyPartitionsDefinition(
        start_date=datetime(start.year, start.month, start.day, tzinfo=UTC), timezone="UTC", end_offset=0
    )

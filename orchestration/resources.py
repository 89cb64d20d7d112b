"""The resources that assets ask for by name."""

from typing import Any

from assets.resources import ClickHouse, Tracking, VenueSource


def build() -> dict[str, Any]:
    """Every resource; none connects before an asset asks it to."""
    return {"clickhouse": ClickHouse(), "source": VenueSource(), "tracking": Tracking()}

"""The resources that assets ask for by name."""

from typing import Any

from assets.resources import ClickHouse, Sources, Tracking


def build() -> dict[str, Any]:
    """Every resource; none connects before an asset asks it to."""
    return {"clickhouse": ClickHouse(), "sources": Sources(), "tracking": Tracking()}

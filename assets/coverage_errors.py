"""What keeps a coverage grid from being drawn."""

from __future__ import annotations

from infra.errors import ErrorCode


class CoverageCode(ErrorCode):
    """Codes of `tickhouse coverage`."""

    COVERAGE_UNKNOWN = (
        "the ingest log has nothing of this dataset and venue in these days",
        "use names given here, or materialise the dataset first",
    )

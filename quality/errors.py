"""What can go wrong in judging data."""

from __future__ import annotations

from infra.errors import ErrorCode


class QualityCode(ErrorCode):
    """Codes of the quality gate."""

    SUITE_BROKEN = (
        "an expectation could not be evaluated, so nothing is known about the data",
        "correct the expectation or the column that it names",
    )
    DATA_QUARANTINED = (
        "days failed the quality gate and were kept out of the table",
        "read their reasons in the tables `quarantine` and `quality_results`, then ingest the days again",
    )
    REPAIR_IMPOSSIBLE = (
        "what a repair would rebuild from is not whole itself, or is no finer data",
        "ingest the days of `from` first, or name another source that is whole; nothing is filled in without data",
    )

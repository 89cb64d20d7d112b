"""What keeps a risk report from being written."""

from __future__ import annotations

from infra.errors import ErrorCode


class ReportCode(ErrorCode):
    """Codes of the nightly risk report."""

    REPORT_DAY_INCOMPLETE = (
        "the day's bars are not complete for every instrument, so its closing prices are not known",
        "materialise the venue's asset `bars` for the day named here",
    )
    REPORT_HISTORY_SHORT = (
        "there are too few complete days of bars before the report's day",
        "backfill the venue's asset `bars` for the days before it",
    )
    REPORT_PRICE_MISSING = (
        "an instrument of the portfolio has no price in the report's history",
        "materialise the venue's asset `bars` for it, or close the position",
    )

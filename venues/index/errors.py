"""What can be wrong with a dated series."""

from __future__ import annotations

from infra.errors import ErrorCode


class IndexCode(ErrorCode):
    """Each names the URL, and the row where there is one."""

    SERIES_NOT_DATA = (
        "the answer is not the data that was asked for: a web page, an error message or something broken",
        "open the address, and correct `url` or `kind` in config/sources.toml, or try again later",
    )
    SERIES_CHANGED = (
        "the answer lacks a key or column that config/sources.toml names",
        "the publisher changed it: compare with what was found, then correct `rows`, `time` or `columns`",
    )
    SERIES_ROW_BAD = (
        "a row has no time or value that can be read",
        "look at this row; correct `time_unit` or `columns`, or leave the day out until the publisher corrects it",
    )
    SERIES_TWICE = (
        "two rows of one time tell different values",
        "name the column of the publication time as `published`, or ask the publisher which one counts",
    )
    SERIES_SHORT = (
        "the answer ends before the days that were asked for",
        "raise the limit in `url`, or let it name the span: {start}, {end}, {start_s}, {end_ms} and so on",
    )

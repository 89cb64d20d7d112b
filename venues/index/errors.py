"""What can be wrong with a dated series."""

from __future__ import annotations

from infra.errors import ErrorCode


class IndexCode(ErrorCode):
    """Each names the URL, and the row where there is one. A bad value of a known day is FILE_ROW_BAD, as in files."""

    SERIES_NOT_DATA = (
        "the answer is not the data that was asked for: a web page, an error message or something broken",
        "open the address, and correct `url` or `kind` in config/sources.toml, or try again later",
    )
    SERIES_CHANGED = (
        "the answer lacks a key or column that config/sources.toml names",
        "the publisher changed it: compare with what was found, then correct `rows`, `time` or `columns`",
    )
    SERIES_ROW_BAD = (
        "a row has no time that can be read, so nobody knows to which day it belongs",
        "look at this row; correct `time`, `time_unit` or `published` in config/sources.toml",
    )
    SERIES_SHORT = (
        "the answer ends before the days that were asked for",
        "raise the limit in `url`, or let it name the span: {start}, {end}, {start_s}, {end_ms} and so on",
    )

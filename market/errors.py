"""What can be wrong with a price, a quantity, a bar or a book."""

from __future__ import annotations

from infra.errors import ErrorCode


class MarketCode(ErrorCode):
    """Codes of the `market` room."""

    MARKET_NUMBER_BAD = "a number is not a plain decimal", "look at the source that gave it"
    MARKET_NUMBER_INEXACT = (
        "a number has more decimals than the instrument's scale",
        "a new life of the instrument with a finer scale is needed; nothing is rounded in silence",
    )
    MARKET_NUMBER_RANGE = "a number does not fit in 64 bits at this scale", "look at the source, or use a coarser scale"
    MARKET_STEP_BAD = "a tick or lot size is not a positive whole number", "correct the trading rules of the instrument"
    MARKET_BARS_UNSORTED = "bars are not sorted by instrument and open time", "sort them before aggregating"
    MARKET_INTERVAL_BAD = "an interval is not a whole multiple of the bars' own", "ask for a multiple"
    ADJUSTMENT_BAD = (
        "a redenomination is not a ratio of two positive whole numbers",
        "correct it in config/instruments.toml and declare it again",
    )
    ADJUSTMENT_INEXACT = (
        "prices or quantities have no exact decimals after this redenomination",
        "read them as they were traded, without `adjusted`",
    )
    ADJUSTMENT_UNSUITED = (
        "rows of this dataset are not adjusted for redenominations",
        "read bars, trades, quotes, funding or open interest, or read these rows without `adjusted`",
    )

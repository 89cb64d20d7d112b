"""Codes of the risk room: refused configuration, denied orders, monitors, statistics."""

from __future__ import annotations

from infra.errors import ErrorCode


class RiskCode(ErrorCode):
    """What can be wrong with limits and with the input of a risk figure."""

    RISK_LIMITS_INVALID = (
        "a risk limit is missing, unknown, or has a wrong value or unit",
        "correct the key named here in config/risk_limits.toml; the limits loaded before stay in force",
    )
    RISK_TOO_FEW_RETURNS = "there are not enough returns for this figure", "take a longer history or a shorter horizon"
    RISK_RETURNS_INVALID = (
        "returns hold a value that is no finite number, or have the wrong shape",
        "correct the returns before asking for a figure",
    )
    RISK_PARAMETER_INVALID = "a parameter is outside its range", "give a value inside the range named here"
    RISK_OPTIMISATION_FAILED = (
        "the optimiser found no weights",
        "look at the returns: columns without movement or fewer rows than columns",
    )


class DenyCode(ErrorCode):
    """Why an order does not go out. None of these is an error of the program."""

    ORDER_HALTED = "trading is halted", "find the reason, then `tickhouse resume`"
    ORDER_CONTEXT_MISSING = "something that must be known is not", "wait until the missing value named here is there"
    ORDER_INSTRUMENT_UNKNOWN = "the instrument has no rules", "ingest instruments before trading it"
    ORDER_INSTRUMENT_CLOSED = "the venue does not take orders in the instrument", "wait until its status is trading"
    ORDER_DUPLICATE = "this order id was used before", "nothing: the first order stands"
    ORDER_QTY_INVALID = "the quantity breaks the venue's rules", "round by the instrument's lot, minimum and maximum"
    ORDER_PRICE_INVALID = "the price breaks the venue's rules", "round by the instrument's tick"
    ORDER_NOTIONAL_TOO_SMALL = "the order's value is below the venue's minimum", "trade more or not at all"
    ORDER_REDUCE_ONLY = "a reduce-only order would open or turn round the position", "reduce by what is open at most"
    ORDER_FEED_UNHEALTHY = "the feed is down or the book is not proved", "wait for the resynchronisation"
    ORDER_QUOTE_STALE = "the last quote is too old", "wait for a fresh quote, or look at the feed"
    ORDER_PRICE_COLLAR = "the price is too far from the market", "check the price, or raise price_collar"
    ORDER_NOTIONAL_LIMIT = "the order is larger than max_order_notional", "slice it, or raise the limit"
    ORDER_POSITION_LIMIT = "the position could exceed max_position", "reduce first, or raise the limit"
    ORDER_EXPOSURE_LIMIT = "gross exposure could exceed max_gross_exposure", "reduce elsewhere, or raise the limit"
    ORDER_LEVERAGE_LIMIT = "leverage could exceed max_leverage", "reduce, or raise the limit"
    ORDER_RATE_LIMIT = "too many orders in the last second", "wait a second, and look for a loop in the strategy"
    ORDER_LOSS_STOP = "the day's loss reached max_daily_loss", "no new risk today: only reducing orders go out"
    ORDER_DRAWDOWN_STOP = "the drawdown reached max_drawdown", "only reducing orders go out until equity recovers"


class MonitorCode(ErrorCode):
    """What a monitor reports about the use of a limit."""

    LIMIT_NEAR = "a limit is used beyond its warning level", "watch it"
    LIMIT_CLEAR = "a limit has room again", "nothing"
    LIMIT_BREACHED = "a limit is breached", "no new risk until it is below again"
    LOSS_STOP = "the day's loss stop is reached", "positions are flattened; look at the day's fills"
    DRAWDOWN_STOP = "the drawdown stop is reached", "positions are flattened; look at the strategies"

"""The exchange's refusals, with Binance's numbers."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Binance's error numbers that this exchange uses."""

    UNKNOWN = -1000
    TOO_MANY_REQUESTS = -1003
    UNAUTHORIZED = -1002
    FILTER_FAILURE = -1013
    BAD_TIMESTAMP = -1021
    BAD_SIGNATURE = -1022
    ILLEGAL_CHARACTERS = -1100
    MISSING_PARAMETER = -1102
    UNREAD_PARAMETER = -1104
    BAD_PRECISION = -1111
    BAD_TIME_IN_FORCE = -1115
    BAD_ORDER_TYPE = -1116
    BAD_SIDE = -1117
    BAD_SYMBOL = -1121
    BAD_COMBINATION = -1128
    BAD_PARAMETER = -1130
    NEW_ORDER_REJECTED = -2010
    CANCEL_REJECTED = -2011
    NO_SUCH_ORDER = -2013
    BAD_KEY_FORMAT = -2014
    REJECTED_KEY = -2015
    MARGIN_INSUFFICIENT = -2019
    WOULD_TRIGGER = -2021
    CANCEL_REPLACE_PARTIAL = -2021
    REDUCE_ONLY_REJECTED = -2022
    TOO_MANY_ORDERS = -2025
    CANCEL_REPLACE_FAILED = -2022
    PRICE_TOO_LOW = -4013
    PRICE_TOO_HIGH = -4016
    BAD_TICK = -4014
    QTY_TOO_SMALL = -4003
    QTY_TOO_LARGE = -4005
    BAD_STEP = -4023
    PERCENT_PRICE = -4131
    PRICE_BELOW_BAND = -4024
    TOO_MANY_STOPS = -4045
    DUPLICATE_CLIENT_ID = -4116
    BAD_LEVERAGE = -4028
    MIN_NOTIONAL = -4164
    POST_ONLY = -5022
    NO_AMENDMENT = -5027


class ExchangeError(Exception):
    """A refused request: Binance's number, its message and the HTTP status that carries it."""

    def __init__(self, code: int, msg: str, http: int = 400) -> None:
        super().__init__(code, msg, http)
        self.code = int(code)
        self.msg = msg
        self.http = http

    def __str__(self) -> str:
        return f"{self.code}: {self.msg}"

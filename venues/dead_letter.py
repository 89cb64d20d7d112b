"""Why a frame was not decoded. The frame is kept with its reason; nothing is dropped in silence."""

from __future__ import annotations

from enum import IntEnum


class DeadLetter(IntEnum):
    """Reasons; a decoder returns the negative of one instead of a count."""

    NOT_JSON = 1        # not one JSON document
    BAD_SHAPE = 2       # JSON, but a field is missing or has another type
    UNKNOWN_TYPE = 3    # a message nobody asked for
    UNKNOWN_SYMBOL = 4  # a symbol that this connection does not carry
    BAD_VALUE = 5       # a number that is no plain decimal, is negative or zero where it cannot be, or is too large
    TOO_PRECISE = 6     # more decimals than the instrument's scale: never rounded
    REFUSED = 7         # the venue refused a request, for instance a subscription

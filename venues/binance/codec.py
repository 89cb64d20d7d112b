"""Binance's public streams as event records: the one import for whoever decodes them."""

from __future__ import annotations

from venues.binance.exact import ExactDecoder
from venues.binance.fast import FastDecoder, room_for
from venues.binance.snapshot import decode_snapshot
from venues.binance.streams import DEFAULT_STREAMS, SPOT_STREAMS, connections, subscriptions
from venues.dead_letter import DeadLetter

__all__ = [
    "DEFAULT_STREAMS",
    "SPOT_STREAMS",
    "DeadLetter",
    "ExactDecoder",
    "FastDecoder",
    "connections",
    "decode_snapshot",
    "room_for",
    "subscriptions",
]

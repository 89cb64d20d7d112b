"""Names and addresses of Binance's public market streams, spot and USDT-margined."""

from __future__ import annotations

from collections.abc import Sequence

from infra.errors import TickhouseError
from market.instrument import Instrument
from venues.errors import VenueCode

# History by REST has aggregate trades only: with the same kind live, both give the same features.
DEFAULT_STREAMS = ("aggTrade", "bookTicker", "depth@100ms", "markPrice@1s")
SPOT_STREAMS = ("aggTrade", "bookTicker", "depth@100ms")

_PUBLIC = ("trade", "bookTicker", "depth", "depth@100ms", "depth@250ms", "depth@500ms")
_MARKET = ("aggTrade", "markPrice", "markPrice@1s")


def subscriptions(instruments: Sequence[Instrument], streams: Sequence[str] = DEFAULT_STREAMS) -> list[str]:
    """Stream names such as `btcusdt@depth@100ms`, instrument by instrument; VENUE_STREAM_UNKNOWN for others."""
    for stream in streams:
        if stream not in _PUBLIC and stream not in _MARKET:
            raise TickhouseError(VenueCode.VENUE_STREAM_UNKNOWN, stream=stream, known=",".join(_PUBLIC + _MARKET))
    return [f"{instrument.venue_symbol.lower()}@{stream}" for instrument in instruments for stream in streams]


def connections(base: str, names: Sequence[str], market: str) -> list[str]:
    """The combined-stream addresses that together carry `names`.

    `base` is the websocket root without path (`wss://fstream.binance.com`). The linear market serves books and trades
    under `/public`, the rest under `/market`, each on a connection of its own; spot serves all on one.
    """
    if market == "spot":
        return [f"{base}/stream?streams={'/'.join(names)}"]
    public = [name for name in names if name.partition("@")[2] in _PUBLIC]
    rest = [name for name in names if name not in set(public)]
    return [
        f"{base}/{category}/stream?streams={'/'.join(part)}"
        for category, part in (("public", public), ("market", rest))
        if part
    ]

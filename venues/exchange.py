"""Makes ccxt exchanges: the one place that knows how the sandbox differs from the real venue."""

from __future__ import annotations

import hashlib
from typing import Any

from infra.errors import TickhouseError
from venues.ccxt_volume import count_contracts
from venues.errors import VenueCode

# What a row of Binance's lists must have: ccxt would leave out others, and take an object for an empty list.
_ROW_KEYS = {"klines": (), "aggTrades": ("a", "p", "q", "T", "m"), "fundingRate": ("fundingTime", "fundingRate")}
_TIMEOUT_MS = 10_000


def make_exchange(
    name: str, sandbox_url: str | None = None, key: str = "", secret: str = "", market: str = "linear"
) -> Any:
    """A synchronous ccxt exchange; nothing is fetched yet. Numbers come out as the strings that the venue sent.

    `market` is "linear" or "spot". With `sandbox_url` (`http://127.0.0.1:8090`) the same ccxt code speaks to the
    exchange on localhost. VENUE_UNKNOWN for a name that ccxt does not have.
    """
    import ccxt

    if name not in ccxt.exchanges:
        raise TickhouseError(VenueCode.VENUE_UNKNOWN, venue=name)
    exchange = getattr(ccxt, name)(exchange_config(name, sandbox_url, key, secret, market))
    # Floats lose digits; strings go through market.rounding exactly.
    exchange.number = str
    exchange.on_rest_response = Guard(exchange.id)
    count_contracts(exchange)
    return exchange


def exchange_config(
    name: str, sandbox_url: str | None = None, key: str = "", secret: str = "", market: str = "linear"
) -> dict[str, Any]:
    """The configuration that `make_exchange` gives; also fits ccxt's asynchronous and websocket classes."""
    config: dict[str, Any] = {
        "apiKey": key,
        "secret": secret,
        "timeout": _TIMEOUT_MS,
        # The sandbox counts weights too, but ccxt's own spacing of requests would only cost time there.
        "enableRateLimit": sandbox_url is None,
        "options": {"defaultType": "swap" if market == "linear" else "spot"},
    }
    if name.startswith("binance"):
        config["options"] |= {
            "fetchMarkets": {"types": [market]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "adjustForTimeDifference": bool(key),
        }
    if sandbox_url is not None:
        config["urls"] = {"api": _sandbox_urls(sandbox_url.rstrip("/"))}
    return config


def _sandbox_urls(base: str) -> dict[str, Any]:
    ws = base.replace("http", "ws", 1)
    return {
        "public": f"{base}/api/v3",
        "private": f"{base}/api/v3",
        "v1": f"{base}/api/v1",
        "fapiPublic": f"{base}/fapi/v1",
        "fapiPublicV2": f"{base}/fapi/v2",
        "fapiPublicV3": f"{base}/fapi/v3",
        "fapiPrivate": f"{base}/fapi/v1",
        "fapiPrivateV2": f"{base}/fapi/v2",
        "fapiPrivateV3": f"{base}/fapi/v3",
        "fapiData": f"{base}/futures/data",
        "dapiPublic": f"{base}/dapi/v1",
        "dapiPrivate": f"{base}/dapi/v1",
        "dapiPrivateV2": f"{base}/dapi/v2",
        "sapi": f"{base}/sapi/v1",
        "sapiV2": f"{base}/sapi/v2",
        "sapiV3": f"{base}/sapi/v3",
        "ws": {
            # ccxt tells spot from futures by "/stream" in the address.
            "spot": f"{ws}/stream/ws",
            # ccxt makes /public/ws, /market/ws and /private/ws of it.
            "linear": f"{ws}/fapi/ws",
            "ws-api": {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1"},
        },
    }


def websocket_base(name: str, sandbox_url: str | None = None, market: str = "linear") -> str:
    """Root of the public websocket streams, without path: what `codec.connections` wants.

    VENUE_NOT_OFFERED for venues whose streams we do not decode.
    """
    if name != "binance":
        raise TickhouseError(VenueCode.VENUE_NOT_OFFERED, venue=name, dataset="websocket")
    if sandbox_url is not None:
        root = sandbox_url.rstrip("/").replace("http", "ws", 1)
        return f"{root}/fapi" if market == "linear" else root
    return "wss://fstream.binance.com" if market == "linear" else "wss://stream.binance.com:9443"


def rest_base(name: str, sandbox_url: str | None = None, market: str = "linear") -> str:
    """Root of the public REST interface with its version: depth snapshots are `<root>/depth`."""
    if name != "binance":
        raise TickhouseError(VenueCode.VENUE_NOT_OFFERED, venue=name, dataset="depth snapshots")
    path = "/fapi/v1" if market == "linear" else "/api/v3"
    if sandbox_url is not None:
        return sandbox_url.rstrip("/") + path
    return ("https://fapi.binance.com" if market == "linear" else "https://api.binance.com") + path


class Guard:
    """ccxt's hook on each answer: a good status with anything but JSON is refused, not taken for an empty page.

    It remembers how many rows the last answer had, and a digest of them: ccxt leaves out rows that it was not asked
    for, so that a page from the wrong place looks like an empty one.
    """

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self.rows = 0
        self.digest = b""

    def __call__(
        self, status: int, _reason: str, url: str, _method: str, _headers: Any, body: str, *_request: Any
    ) -> str:
        """The body without blanks around it; ccxt.BadResponse for what is no JSON or not the documented rows."""
        import ccxt
        import msgspec

        text = body.strip()
        if 200 <= status < 300:
            try:
                answer = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise ccxt.BadResponse(f"{url}: {error}: {text[:120]!r}") from error
            path = url.partition("?")[0].rpartition("/")[2]
            refused = isinstance(answer, dict) and "code" in answer
            if self._venue.startswith("binance") and path in _ROW_KEYS and not refused and not _are_rows(answer, path):
                raise ccxt.BadResponse(f"{url}: not the documented rows: {text[:120]!r}")
            rows = _longest_list(answer, 3)
            self.rows, self.digest = len(rows), hashlib.blake2b(msgspec.json.encode(rows), digest_size=16).digest()
        return text


def _longest_list(value: object, depth: int) -> list[Any]:
    """The longest list in the outer levels of an answer: its rows."""
    inside: list[Any] = list(value.values()) if isinstance(value, dict) else []
    lists = [value] if isinstance(value, list) else [_longest_list(item, depth - 1) for item in inside if depth]
    return max(lists, key=len, default=[])


def _are_rows(rows: object, path: str) -> bool:
    if not isinstance(rows, list):
        return False
    if path == "klines":
        return all(isinstance(row, list) and len(row) > 5 and isinstance(row[0], int) for row in rows)
    return all(isinstance(row, dict) and all(key in row for key in _ROW_KEYS[path]) for row in rows)

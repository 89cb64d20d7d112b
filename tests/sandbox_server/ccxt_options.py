"""What unmodified ccxt needs to take the sandbox exchange for `binance`: addresses, and which markets to load."""

from __future__ import annotations

from typing import Any


def ccxt_options(base: str, *, default_type: str, api_key: str = "", secret: str = "") -> dict[str, Any]:
    """The configuration for `ccxt.binance`, `ccxt.async_support.binance` or `ccxt.pro.binance`.

    `base` is the exchange's address (`http://127.0.0.1:8090`), `default_type` is `spot` or `swap`.
    """
    ws = base.replace("http", "ws", 1)
    return {
        "apiKey": api_key,
        "secret": secret,
        "options": {
            "defaultType": default_type,
            # Without this ccxt also loads coin-margined contracts, of which there are none here.
            "fetchMarkets": {"types": ["spot", "linear"]},
        },
        "urls": {
            "api": {
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
                    # The spot address must contain "/stream": ccxt tells the markets apart by it.
                    "spot": f"{ws}/stream/ws",
                    # ccxt turns this into /fapi/public/ws/N, /fapi/market/ws/N and /fapi/private/ws?listenKey=...
                    "linear": f"{ws}/fapi/ws",
                    "ws-api": {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1"},
                },
            }
        },
    }

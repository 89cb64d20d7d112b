"""API keys and HMAC-SHA256 signatures as Binance checks them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import ExchangeError
from sandbox.server.clock import NS_PER_MS

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
# Binance lets a client's clock be one second ahead.
AHEAD_TOLERANCE_MS = 1_000


@dataclass(frozen=True)
class ApiKey:
    """One key pair and the account it opens; several keys may open the same account."""

    account: str
    key: str
    secret: str


DEFAULT_KEY = ApiKey("main", "sandbox-key", "sandbox-secret")


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """Key pairs from `account:key:secret` separated by commas; ValueError says which part is wrong."""
    keys = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        fields = part.split(":")
        if len(fields) != 3 or not all(fields):
            raise ValueError(f"a key is written account:key:secret, not {part!r}")
        keys.append(ApiKey(*fields))
    return tuple(keys)


def sign(secret: str, payload: str) -> str:
    """The hex HMAC-SHA256 of the payload."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def strip_signature(raw: str) -> str:
    """A raw query string or form body without its `signature=` pair: the text that was signed."""
    return "&".join(pair for pair in raw.split("&") if not pair.startswith("signature="))


class Keyring:
    """The key pairs this exchange knows."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._by_key = {key.key: key for key in keys}

    @property
    def accounts(self) -> tuple[str, ...]:
        """Account names, each once, in the order given."""
        return tuple(dict.fromkeys(key.account for key in self._by_key.values()))

    def identify(self, key: str | None) -> ApiKey:
        """The pair of this API key; -2014 without one, -2015 for an unknown one."""
        if not key:
            raise ExchangeError(-2014, "API-key format invalid.", 401)
        found = self._by_key.get(key)
        if found is None:
            raise ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return found

    def check(self, key: str | None, payload: str, params: Mapping[str, str], wall_ns: int) -> ApiKey:
        """The pair that signed this request; -1102, -1021 or -1022 as Binance answers."""
        pair = self.identify(key)
        signature = params.get("signature")
        if not signature:
            raise ExchangeError(-1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.")
        check_timestamp(params, wall_ns)
        if not hmac.compare_digest(sign(pair.secret, payload), signature.lower()):
            raise ExchangeError(-1022, "Signature for this request is not valid.")
        return pair


def check_timestamp(params: Mapping[str, str], wall_ns: int) -> None:
    """Refuse a request outside its receive window (-1021), with `timestamp` in ms of wall time."""
    stamp = params.get("timestamp", "")
    if not stamp.isdigit():
        raise ExchangeError(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    window_text = params.get("recvWindow", str(DEFAULT_RECV_WINDOW_MS))
    try:
        window = float(window_text)
    except ValueError:
        raise ExchangeError(-1100, "Illegal characters found in parameter 'recvWindow'.") from None
    if not 0 <= window <= MAX_RECV_WINDOW_MS:
        raise ExchangeError(-1131, "recvWindow must be less than 60000.")
    now = wall_ns // NS_PER_MS
    # Binance takes micro- and milliseconds alike.
    sent = int(stamp) // 1000 if len(stamp) >= 16 else int(stamp)
    if sent >= now + AHEAD_TOLERANCE_MS:
        raise ExchangeError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - sent > window:
        raise ExchangeError(-1021, "Timestamp for this request is outside of the recvWindow.")

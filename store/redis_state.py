"""What is live, in Redis: names of keys and streams, and the connection.

Redis holds copies: all of it can be rebuilt from the journal, ClickHouse and the venue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from store.errors import StoreCode

if TYPE_CHECKING:
    import redis

    from infra.settings import Settings

PREFIX = "tickhouse"


def connect(settings: Settings, *, timeout_s: float = 2.0) -> redis.Redis:
    """A client whose answers are text; REDIS_UNREACHABLE when nobody answers within `timeout_s`."""
    import redis

    client = redis.Redis.from_url(
        settings.redis_url, decode_responses=True, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
    )
    try:
        client.ping()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise TickhouseError(
            StoreCode.REDIS_UNREACHABLE, url=settings.redis_url.split("@")[-1], problem=error
        ) from error
    return client


def quote_key(instrument: int) -> str:
    """Hash: `bid`, `bid_qty`, `ask`, `ask_qty` (scaled integers), `ts_event` (ns)."""
    return f"{PREFIX}:quote:{instrument}"


def features_key(group: str, version: int, instrument: int) -> str:
    """Hash: a field a feature, and `ts_event` (ns)."""
    return f"{PREFIX}:features:{group}:{version}:{instrument}"


def position_key(account: str, instrument: int) -> str:
    """Hash: `qty`, `average_price`, `realised_pnl`, `unrealised_pnl`, `fees` (scaled integers), `ts_event` (ns)."""
    return f"{PREFIX}:position:{account}:{instrument}"


def pnl_key(account: str) -> str:
    """Hash: `equity`, `realised`, `unrealised`, `fees`, `day_pnl` (10^-8 of the settlement currency), `ts_event`."""
    return f"{PREFIX}:pnl:{account}"


def halt_key() -> str:
    """String (JSON): present while trading is halted; a copy of the halt file, which is the truth."""
    return f"{PREFIX}:halt"


def model_key(name: str) -> str:
    """Hash: the champion of a model's name: `version`, `path`, `sha256`."""
    return f"{PREFIX}:model:{name}"


def fills_stream(account: str) -> str:
    """Stream: an entry a fill."""
    return f"{PREFIX}:stream:fills:{account}"


def orders_stream(account: str) -> str:
    """Stream: an entry an order event."""
    return f"{PREFIX}:stream:orders:{account}"


def risk_stream() -> str:
    """Stream: an entry a risk event."""
    return f"{PREFIX}:stream:risk"


def control_stream() -> str:
    """Stream: halts, limit revisions and model revisions, for processes on other hosts."""
    return f"{PREFIX}:stream:control"

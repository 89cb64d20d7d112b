"""What the exchange is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.server.signing import DEFAULT_KEY, ApiKey

# 10^-8 of each asset that a new account finds in each market.
DEFAULT_DEPOSIT = {"spot": {"USDT": 1_000_000 * 10**8, "BTC": 2 * 10**8}, "linear": {"USDT": 1_000_000 * 10**8}}


@dataclass(frozen=True)
class Options:
    """The exchange's settings; `state` None keeps nothing."""

    state: Path | None = None
    seed: int = 1
    speed: float = 1.0
    lag_s: float = 0.0
    trades_per_day: int = 14_400
    quote_rate: float = 0.0
    host: str = "127.0.0.1"
    port: int = 0
    keys: tuple[ApiKey, ...] = (DEFAULT_KEY,)
    deposit: dict[str, dict[str, int]] = field(default_factory=lambda: DEFAULT_DEPOSIT)
    spot_weight: int = 6_000
    futures_weight: int = 2_400
    ban_after: int = 20
    tick_ms: int = 5


def parse_deposit(text: str) -> dict[str, dict[str, int]]:
    """Deposits from `spot:USDT=1000,spot:BTC=1,linear:USDT=1000`; ValueError says which part is wrong."""
    found: dict[str, dict[str, int]] = {"spot": {}, "linear": {}}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        market, _, rest = part.partition(":")
        asset, _, amount = rest.partition("=")
        if market not in found or not asset.isalnum() or not amount.replace(".", "", 1).isdigit():
            raise ValueError(f"a deposit is written market:ASSET=amount with market spot or linear, not {part!r}")
        whole, _, places = amount.partition(".")
        found[market][asset] = int(whole + places.ljust(8, "0")[:8])
    return found

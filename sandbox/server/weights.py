"""Request weights and order counts: what Binance counts, in which headers it says so, and how it punishes excess."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.server.clock import NS_PER_SECOND

MINUTE = 60
BAN_SECONDS = (120, 600, 3600, 86400, 259200)


class RateLimited(Exception):  # noqa: N818 - named after what happened to the caller
    """A request over the limit: HTTP 429, or 418 once the caller has gone on in spite of it."""

    def __init__(self, http: int, retry_after: int, msg: str, code: int = -1003) -> None:
        super().__init__(msg)
        self.http = http
        self.retry_after = retry_after
        self.msg = msg
        self.code = code


@dataclass(frozen=True)
class OrderWindow:
    """At most `limit` new orders an account per `seconds`; `header` is the suffix such as `10S`."""

    seconds: int
    limit: int
    header: str


@dataclass(frozen=True)
class Limits:
    """One market's limits: request weight a minute and address, new orders an account, excess before a ban."""

    weight: int
    orders: tuple[OrderWindow, ...]
    ban_after: int = 20


SPOT_LIMITS = Limits(6_000, (OrderWindow(10, 100, "10S"), OrderWindow(86_400, 200_000, "1D")))
FUTURES_LIMITS = Limits(2_400, (OrderWindow(10, 300, "10S"), OrderWindow(MINUTE, 1_200, "1M")))


@dataclass
class _Count:
    window: int = -1
    used: int = 0


@dataclass
class _Address:
    """What one address has used of this minute, and its record of excess."""

    weight: _Count = field(default_factory=_Count)
    refused: int = 0
    bans: int = 0
    banned_until: int = 0


def _add(count: _Count, seconds: int, now_s: int, amount: int) -> int:
    window = now_s // seconds
    if count.window != window:
        count.window = window
        count.used = 0
    count.used += amount
    return count.used


class Meter:
    """Counts one market's weights by address and orders by account, in fixed windows of wall time as Binance does."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._addresses: dict[str, _Address] = {}
        self._orders: dict[tuple[str, int], _Count] = {}

    def spend(self, address: str, weight: int, wall_ns: int) -> int:
        """The weight this address has used in the minute, this request included; RateLimited when over."""
        now = wall_ns // NS_PER_SECOND
        state = self._addresses.setdefault(address, _Address())
        if now < state.banned_until:
            raise self._banned(state, now)
        if state.weight.window != now // MINUTE:
            state.refused = 0
        used = _add(state.weight, MINUTE, now, weight)
        if used <= self.limits.weight:
            return used
        state.refused += 1
        if state.refused > self.limits.ban_after:
            state.banned_until = now + BAN_SECONDS[min(state.bans, len(BAN_SECONDS) - 1)]
            state.bans += 1
            raise self._banned(state, now)
        raise RateLimited(
            429,
            MINUTE - now % MINUTE,
            f"Too many requests; current limit of IP({address}) is {self.limits.weight} requests per minute. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
        )

    @staticmethod
    def _banned(state: _Address, now: int) -> RateLimited:
        return RateLimited(
            418,
            state.banned_until - now,
            f"Way too many requests; IP banned until {state.banned_until * 1000}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
        )

    def used(self, address: str, wall_ns: int) -> int:
        """The weight this address has used in the minute of `wall_ns`."""
        state = self._addresses.get(address)
        if state is None or state.weight.window != wall_ns // NS_PER_SECOND // MINUTE:
            return 0
        return state.weight.used

    def order(self, account: str, wall_ns: int, count: int = 1) -> dict[str, str]:
        """Order-count headers after `count` new orders of this account; RateLimited (-1015) when over."""
        now = wall_ns // NS_PER_SECOND
        headers = {}
        for window in self.limits.orders:
            state = self._orders.setdefault((account, window.seconds), _Count())
            used = _add(state, window.seconds, now, count)
            if used > window.limit:
                raise RateLimited(
                    429,
                    window.seconds - now % window.seconds,
                    f"Too many new orders; current limit is {window.limit} orders per {window.header}.",
                    -1015,
                )
            headers[f"X-MBX-ORDER-COUNT-{window.header}"] = str(used)
        return headers

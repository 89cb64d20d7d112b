"""Listen keys by REST."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.engine.types import SPOT
from sandbox.errors import ExchangeError
from sandbox.server.order_json import Json
from sandbox.server.params import Call
from sandbox.server.users import Door
from sandbox.server.venue import Venue


def open_key(market: str) -> Callable[[Venue, Call], Json]:
    """POST: the account's key, prolonged when there is one."""
    return lambda venue, call: {"listenKey": venue.open_listen_key(call.account, market)}


def keep_key(market: str) -> Callable[[Venue, Call], Json]:
    """PUT: prolong; -1125 when there is no active key."""

    def handle(venue: Venue, call: Call) -> Json:
        if not venue.listen_keys.alive(Door(call.account, market)):
            raise ExchangeError(-1125, "This listenKey does not exist.")
        key = venue.open_listen_key(call.account, market)
        return {} if market == SPOT else {"listenKey": key}

    return handle


def close_key(market: str) -> Callable[[Venue, Call], Json]:
    """DELETE: make it invalid."""

    def handle(venue: Venue, call: Call) -> Json:
        venue.close_listen_key(call.account, market)
        return {}

    return handle

"""The heartbeat: market time goes on, events go out, silent clients and old keys go."""

from __future__ import annotations

import asyncio

import msgspec

from sandbox.server.clock import NS_PER_MS, NS_PER_SECOND
from sandbox.server.frames import ping_frame
from sandbox.server.hub import Hub
from sandbox.server.live import Live
from sandbox.server.users import UserFeed
from sandbox.server.venue import Venue

PING_EVERY_NS = 20 * NS_PER_SECOND
# Longer than Binance's minute would need: a client that compiles for half a minute is not dead.
PONG_WITHIN_NS = 90 * NS_PER_SECOND
_encode = msgspec.json.Encoder().encode


class Pump:
    """Brings the core to market time every few ms."""

    def __init__(self, venue: Venue, hub: Hub, users: UserFeed, live: Live) -> None:
        self._venue = venue
        self._hub = hub
        self._users = users
        self._live = live
        self._next_ping_ns = 0

    async def run(self) -> None:
        """Beat until cancelled; an error ends it, and with it the server."""
        pause = self._venue.options.tick_ms / 1000
        while True:
            self.beat()
            await asyncio.sleep(pause)

    def beat(self) -> None:
        """One step."""
        venue = self._venue
        now = venue.sync()
        venue.run_countdowns()
        wall = venue.wall_ns()
        self._live.tick(now, wall)
        if wall >= self._next_ping_ns:
            self._next_ping_ns = wall + PING_EVERY_NS
            self._look_after(wall)
        self._hub.flush()

    def _look_after(self, wall: int) -> None:
        for key, door in self._venue.listen_keys.expire(wall):
            event = {"e": "listenKeyExpired", "E": wall // NS_PER_MS, "listenKey": key}
            self._users.publish(door, _encode(event))
        for client in list(self._hub.clients):
            if wall - client.last_pong_ns > PONG_WITHIN_NS:
                client.transport.abort()
                self._hub.leave(client)
            else:
                client.pending.append(ping_frame(str(wall // NS_PER_MS).encode()))

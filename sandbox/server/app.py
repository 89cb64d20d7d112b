"""One process, one port: REST, streams and the websocket API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox.server.clock import wall_ns
from sandbox.server.gate import Gate
from sandbox.server.hub import Hub
from sandbox.server.live import Live
from sandbox.server.options import Options
from sandbox.server.pump import Pump
from sandbox.server.signing import Keyring
from sandbox.server.sockets import Sockets, close_all
from sandbox.server.users import UserFeed
from sandbox.server.venue import Venue
from sandbox.server.ws_api import PATHS, WsApi


@dataclass
class Server:
    """A running exchange; `base` is its address, `pump` ends only by an error or by `stop`."""

    venue: Venue
    base: str
    pump: asyncio.Task[None]
    hub: Hub
    users: UserFeed
    _runner: web.AppRunner

    async def stop(self) -> None:
        """End it; whatever was answered is already in the log."""
        self.pump.cancel()
        await asyncio.gather(self.pump, return_exceptions=True)
        await close_all(self.hub)
        await self._runner.cleanup()
        self.venue.close()


async def start(options: Options, clock_ns: Callable[[], int] = wall_ns) -> Server:
    """Serve on `options.port` (0: any free one); OSError when the port is taken."""
    venue = Venue(options, clock_ns)
    hub, users, keyring = Hub(), UserFeed(), Keyring(options.keys)
    live = Live(venue, hub, users)
    venue.listener = live.hear
    gate, sockets = Gate(venue, keyring), Sockets(venue, hub, users)
    ws_api = WsApi(venue, hub, users, keyring)

    async def handle(request: web.Request) -> web.StreamResponse:
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if upgrade and request.path in PATHS:
            return await ws_api.handle(request)
        if upgrade and sockets.serves(request.path):
            return await sockets.handle(request)
        return await gate.handle(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        venue.close()
        raise
    port = runner.addresses[0][1]
    pump = asyncio.create_task(Pump(venue, hub, users, live).run())
    return Server(venue, f"http://{options.host}:{port}", pump, hub, users, runner)

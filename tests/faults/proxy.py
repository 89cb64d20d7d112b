"""A TCP proxy that can be told to swallow answers: the request arrives, nobody hears what became of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Forwards to one port; `cut` makes it hang up instead of passing on the answer to a matching request."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = 0
        self.cut: bytes = b""   # a request that contains this is forwarded, and its connection then closed
        self.drop: bytes = b""  # a request that contains this is not even forwarded
        self.cuts = 0

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._target)
        back = asyncio.create_task(self._pump(there_reader, writer))
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(1 << 16):
                if self.drop and self.drop in data:
                    self.cuts += 1
                    break
                if self.cut and self.cut in data:
                    self.cuts += 1
                    back.cancel()
                    await asyncio.wait([back])
                    there.write(data)
                    await there.drain()
                    await there_reader.read(1 << 16)  # the venue has answered: it has taken the request
                    break
                there.write(data)
                await there.drain()
        back.cancel()
        for end in (there, writer):
            end.close()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A running proxy in a thread of its own."""
    made = Proxy(target)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        loop.run_until_complete(made.serve(ready, stop))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(5)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)

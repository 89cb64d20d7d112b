"""Who listens to what: fan-out in which no client waits for another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sandbox.server.frames import text_frame
from sandbox.server.streams import Kind, Stream

# A client this far behind is cut: Binance does the same, and a queue without an end would be everybody's trouble.
MAX_BACKLOG_BYTES = 4 << 20


@dataclass(eq=False)
class Client:
    """One websocket connection: frames wait in `pending` until the next flush."""

    transport: asyncio.Transport
    market: str
    combined: bool
    last_pong_ns: int
    account: str = ""
    streams: dict[str, Stream | None] = field(default_factory=dict)
    pending: list[bytes] = field(default_factory=list)

    def send(self, payload: bytes) -> None:
        """Queue one text message."""
        self.pending.append(text_frame(payload))

    def flush(self) -> bool:
        """Hand what waits to the socket; false when the client is gone or was cut for being slow."""
        if self.transport.is_closing():
            return False
        if self.pending:
            self.transport.write(b"".join(self.pending))
            self.pending.clear()
            if self.transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
                self.transport.abort()
                return False
        return True


@dataclass(eq=False)
class Topic:
    """One stream with its listeners."""

    stream: Stream
    clients: set[Client] = field(default_factory=set)

    def publish(self, payload: bytes) -> None:
        """Queue one event for all listeners, encoded once as it is and once for combined connections."""
        plain: bytes | None = None
        wrapped: bytes | None = None
        for client in self.clients:
            if client.combined:
                if wrapped is None:
                    head = b'{"stream":"' + self.stream.name.encode() + b'","data":'
                    wrapped = text_frame(head + payload + b"}")
                client.pending.append(wrapped)
            else:
                if plain is None:
                    plain = text_frame(payload)
                client.pending.append(plain)


class Hub:
    """All connections and their market streams."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._topics: dict[tuple[str, str], Topic] = {}
        self._by_event: dict[tuple[str, str, Kind], list[Topic]] = {}

    def join(self, client: Client) -> None:
        """Take a new connection in."""
        self.clients.add(client)

    def leave(self, client: Client) -> None:
        """Forget a connection and all it listened to."""
        self.clients.discard(client)
        for name in list(client.streams):
            self.unsubscribe(client, name)

    def subscribe(self, client: Client, name: str, stream: Stream | None) -> None:
        """Add a stream to a connection; an unknown one (None) is listed and stays silent, as at Binance."""
        client.streams[name] = stream
        if stream is None:
            return
        topic = self._topics.get((stream.market, name))
        if topic is None:
            topic = self._topics[stream.market, name] = Topic(stream)
            self._by_event.setdefault((stream.market, stream.symbol, stream.kind), []).append(topic)
        topic.clients.add(client)

    def unsubscribe(self, client: Client, name: str) -> None:
        """Take a stream off a connection; nothing happens when it is not there."""
        stream = client.streams.pop(name, None)
        if stream is None:
            return
        topic = self._topics[stream.market, name]
        topic.clients.discard(client)
        if not topic.clients:
            del self._topics[stream.market, name]
            self._by_event[stream.market, stream.symbol, stream.kind].remove(topic)

    def topics(self, market: str, symbol: str, kind: Kind) -> list[Topic]:
        """Topics of one kind of event that somebody listens to."""
        return self._by_event.get((market, symbol, kind), [])

    def all_topics(self) -> list[Topic]:
        """Every topic that somebody listens to."""
        return list(self._topics.values())

    def flush(self) -> None:
        """Send what waits; slow and closed clients leave."""
        for client in [client for client in self.clients if not client.flush()]:
            self.leave(client)

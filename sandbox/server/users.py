"""User data streams: listen keys, and who hears what happens to which account."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.server.clock import NS_PER_SECOND
from sandbox.server.hub import Client
from sandbox.server.signing import sign

LISTEN_KEY_LIFE_NS = 3_600 * NS_PER_SECOND


@dataclass(frozen=True)
class Door:
    """An account in one market: what one user stream tells about."""

    account: str
    market: str


class ListenKeys:
    """Active listen keys; a door has at most one, and asking again prolongs it, as at Binance."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._expiry: dict[str, int] = {}
        self._doors: dict[str, Door] = {}

    def open(self, door: Door, wall_ns: int) -> str:
        """The door's key, good for 60 minutes from now."""
        key = sign(self._salt, f"{door.market}/{door.account}")
        self._doors[key] = door
        self._expiry[key] = wall_ns + LISTEN_KEY_LIFE_NS
        return key

    def close(self, door: Door) -> None:
        """Make the door's key invalid."""
        key = sign(self._salt, f"{door.market}/{door.account}")
        self._expiry.pop(key, None)
        self._doors.pop(key, None)

    def alive(self, door: Door) -> bool:
        """Whether the door has an active key."""
        return sign(self._salt, f"{door.market}/{door.account}") in self._doors

    def door(self, key: str) -> Door | None:
        """What an active key opens."""
        return self._doors.get(key)

    def expire(self, wall_ns: int) -> list[tuple[str, Door]]:
        """Keys whose time is over, taken out."""
        late = [key for key, end in self._expiry.items() if end <= wall_ns]
        gone = [(key, self._doors[key]) for key in late]
        for _, door in gone:
            self.close(door)
        return gone


@dataclass(frozen=True, eq=False)
class _Listener:
    client: Client
    head: bytes
    tail: bytes


class UserFeed:
    """Connections that listen to accounts."""

    def __init__(self) -> None:
        self._listeners: dict[Door, list[_Listener]] = {}

    def listen(self, client: Client, door: Door, head: bytes = b"", tail: bytes = b"") -> None:
        """Send the door's events to this connection, each between `head` and `tail`."""
        self._listeners.setdefault(door, []).append(_Listener(client, head, tail))

    def forget(self, client: Client, door: Door | None = None) -> None:
        """Stop telling this connection about one door, or about all."""
        for key in [door] if door else list(self._listeners):
            rest = [item for item in self._listeners.get(key, []) if item.client is not client]
            if rest:
                self._listeners[key] = rest
            else:
                self._listeners.pop(key, None)

    def count(self, door: Door) -> int:
        """How many connections listen at this door."""
        return len(self._listeners.get(door, ()))

    def publish(self, door: Door, payload: bytes) -> None:
        """Queue one event for everybody at this door."""
        for item in self._listeners.get(door, ()):
            item.client.send(item.head + payload + item.tail)

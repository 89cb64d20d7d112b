"""Websocket frames as a server sends them: unmasked, so that one encoding serves every client of a stream."""

from __future__ import annotations

_TEXT = 0x81
_PING = 0x89


def text_frame(payload: bytes) -> bytes:
    """A whole text frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload


def ping_frame(payload: bytes) -> bytes:
    """A ping frame; at most 125 bytes of payload."""
    return bytes((_PING, len(payload))) + payload

"""One journal record on disk: length, checksum, payload and its link in the hash chain."""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

HASH_SIZE = 16
MAX_PAYLOAD = 1 << 20                  # a longer length field is damage, not a record
HEAD = struct.Struct("<II")            # length of the payload; crc32 of payload and hash
SEGMENT = struct.Struct(f"<8sQ{HASH_SIZE}s")  # magic, first sequence number, hash before it
MAGIC = b"THJRNL01"
FIRST_HASH = bytes(HASH_SIZE)


class Record(NamedTuple):
    """A record as read back."""

    seq: int        # from 1, without gaps
    payload: bytes
    hash: bytes     # of this payload and everything before it


def link(before: bytes, payload: bytes) -> bytes:
    """The hash of a record: of the one before and its payload."""
    return blake2b(payload, digest_size=HASH_SIZE, key=before).digest()


def encode(payload: bytes, digest: bytes) -> bytes:
    """The bytes of a record."""
    return HEAD.pack(len(payload), crc32(digest, crc32(payload))) + payload + digest


def decode(data: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    """Payload, hash and end of the record at `at`; None where no whole, sound record stands there."""
    body = at + HEAD.size
    if body > len(data):
        return None
    length, checksum = HEAD.unpack_from(data, at)
    end = body + length + HASH_SIZE
    if length > MAX_PAYLOAD or end > len(data):
        return None
    payload, digest = data[body : body + length], data[body + length : end]
    if crc32(digest, crc32(payload)) != checksum:
        return None
    return payload, digest, end


def segment_name(first: int) -> str:
    """File name of the segment that starts with record `first`."""
    return f"{first:020d}.journal"

"""HTTP body compression in the four encodings that ClickHouse clients use."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

import lz4.frame
from backports import zstd

from infra.clickhouse.faults import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODINGS = ("lz4", "zstd", "gzip", "deflate")


class Compressor(Protocol):
    """What zlib, zstd and our lz4 have in common."""

    def compress(self, data: bytes, /) -> bytes:
        """Compressed bytes that are ready so far."""

    def flush(self) -> bytes:
        """The rest, with the end mark."""


class _Lz4:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes, /) -> bytes:
        head = b"" if self._begun else self._frame.begin()
        self._begun = True
        return bytes(head + self._frame.compress(data))

    def flush(self) -> bytes:
        return self.compress(b"") + bytes(self._frame.flush())


def compressor(encoding: str) -> Compressor:
    """A fresh compressor for one of ENCODINGS, at the fastest level."""
    match encoding:
        case "lz4":
            return _Lz4()
        case "zstd":
            made: Compressor = zstd.ZstdCompressor(level=1)
            return made
        case "gzip":
            return zlib.compressobj(1, wbits=31)
        case _:
            return zlib.compressobj(1)


def compressed(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks as one compressed stream."""
    coder = compressor(encoding)
    for chunk in chunks:
        if out := coder.compress(chunk):
            yield out
    yield coder.flush()


def decompress(data: bytes, encoding: str) -> bytes:
    """The body as it was; QueryError for a broken one (clients break it on purpose to abort an insert)."""
    try:
        return _decompress(data, encoding)
    except (zlib.error, zstd.ZstdError, RuntimeError) as error:
        raise QueryError(f"Cannot decompress {encoding} body: {error}", CANNOT_DECOMPRESS) from error


def _decompress(data: bytes, encoding: str) -> bytes:
    match encoding:
        case "" | "identity":
            return data
        case "gzip" | "deflate":
            return _members(data, encoding)
        case "zstd":
            return bytes(zstd.decompress(data))
        case "lz4":
            return _frames(data)
    raise QueryError(f"Unknown compression method: {encoding}", NOT_IMPLEMENTED)


def _members(data: bytes, encoding: str) -> bytes:
    out = []
    while data:
        decoder = zlib.decompressobj(31 if encoding == "gzip" else 15)
        out.append(decoder.decompress(data) + decoder.flush())
        if not decoder.eof:
            raise QueryError(f"Truncated {encoding} body", CANNOT_DECOMPRESS)
        data = decoder.unused_data
    return b"".join(out)


def _frames(data: bytes) -> bytes:
    out = []
    while data:  # clients send a frame a block
        decoder = lz4.frame.LZ4FrameDecompressor()
        out.append(decoder.decompress(data))
        if not decoder.eof:
            raise QueryError("Truncated lz4 body", CANNOT_DECOMPRESS)
        data = decoder.unused_data or b""
    return b"".join(out)

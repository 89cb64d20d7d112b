"""From a file on this machine to the plain bytes of the one table in it: zip, gzip, zstd, bzip2 and xz undone."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any, cast

from infra.errors import TickhouseError
from venues.files.errors import FileCode

_BROKEN: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError)
_ODD = (ValueError, struct.error, NotImplementedError)  # what a damaged directory of an archive also gives
_ZIP, _EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_DEEPEST = 3  # an archive in an archive in an archive


class _Guarded(io.RawIOBase):
    """Reads through to `inner`; bytes that cannot be had are FILE_TRUNCATED."""

    def __init__(self, inner: IO[bytes], name: str) -> None:
        super().__init__()
        self._inner = inner
        self._name = name

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        with _guard(self._name):
            data = self._inner.read(size)
            while 0 < len(data) < size and (more := self._inner.read(size - len(data))):
                data += more
            return data

    def readinto(self, buffer: object, /) -> int:
        """As `io.RawIOBase`."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Also in what is packed, at the price of reading up to there."""
        with _guard(self._name):
            return self._inner.seek(offset, whence)

    def tell(self) -> int:
        """Place in the plain bytes."""
        return self._inner.tell()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Whether `seek` works."""
        return self._inner.seekable()


class _Zstd(io.RawIOBase):
    """Arrow's zstd stream, which cannot go back by itself: it begins again."""

    def __init__(self, packed: IO[bytes]) -> None:
        super().__init__()
        self._packed = packed
        self._at = 0
        self._plain = self._begin()

    def _begin(self) -> Any:
        import pyarrow as pa

        self._packed.seek(0)
        # Closing Arrow's stream would close the file under it: it gets a face of its own.
        return pa.CompressedInputStream(io.BufferedReader(_Guarded(self._packed, "")), "zstd")

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self._plain.read(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at}[whence]
        if target < self._at:
            self._plain, self._at = self._begin(), 0
        while self._at < target and self.readinto(bytearray(min(target - self._at, 1 << 20))):
            pass
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def opened(path: Path, name: str, member: str = "") -> Iterator[tuple[str, IO[bytes]]]:
    """The name that errors should use (with the archive's member), and the content from its first byte.

    The first bytes tell how it is packed, not the name. `member` is a pattern (`*.csv`) for an archive with several
    files. FILE_TRUNCATED for a broken archive, also later, while reading; FILE_NOT_DATA where not exactly one fits.
    """
    with ExitStack() as stack:
        content: IO[bytes] = stack.enter_context(path.open("rb"))
        for _ in range(_DEEPEST):
            with _guard(name, _ODD):
                head = content.read(10)
                content.seek(0)
                if head[:4] in {_ZIP, _EMPTY_ZIP}:
                    archive = stack.enter_context(zipfile.ZipFile(content))
                    inside = _member(name, archive, member)
                    name, content = f"{name}!{inside}", _enter(stack, name, archive, inside)
                elif (unpacked := _unpacked(head, content)) is not None:
                    content = stack.enter_context(unpacked)
                else:
                    break
        yield name, cast("IO[bytes]", _Guarded(content, name))


def lines(content: IO[bytes], wanted: Sequence[int]) -> dict[int, bytes]:
    """The physical lines of these numbers (from 1), without their ends; those beyond the end are left out."""
    found, left = {}, set(wanted)
    for number, line in enumerate(io.BufferedReader(cast("io.RawIOBase", content), 1 << 20), 1):
        if number in left:
            found[number] = line.rstrip(b"\r\n")
            left.discard(number)
            if not left:
                break
    return found


@contextmanager
def _guard(name: str, odd: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    try:
        yield
    except _BROKEN + odd as error:
        raise TickhouseError(FileCode.FILE_TRUNCATED, file=name, problem=str(error) or type(error).__name__) from error


def _member(name: str, archive: zipfile.ZipFile, pattern: str) -> str:
    hidden = ("__MACOSX/", ".")
    files = [
        info.filename for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith(hidden) and not Path(info.filename).name.startswith(".")
    ]
    fitting = [file for file in files if not pattern or fnmatch(file, pattern) or fnmatch(Path(file).name, pattern)]
    if len(fitting) != 1:
        problem = f"{len(fitting)} files in the archive fit {pattern or '*'}: name one with the option `member`"
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=name, problem=problem, excerpt=", ".join(sorted(files))[:300])
    return fitting[0]


def _enter(stack: ExitStack, name: str, archive: zipfile.ZipFile, member: str) -> IO[bytes]:
    try:
        return stack.enter_context(archive.open(member))
    except (RuntimeError, NotImplementedError) as error:  # a password; a way of packing that Python lacks
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=f"{name}!{member}", problem=str(error)) from error


def _unpacked(head: bytes, content: IO[bytes]) -> IO[bytes] | None:
    if head[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=content))
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return cast("IO[bytes]", io.BufferedReader(_Zstd(content), 1 << 20))
    if head[:3] == b"BZh" and head[4:] == b"1AY&SY":
        return cast("IO[bytes]", bz2.BZ2File(content))
    if head[:6] == b"\xfd7zXZ\x00":
        return cast("IO[bytes]", lzma.LZMAFile(content))
    return None

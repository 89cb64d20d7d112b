"""The pages of one partition, kept as Parquet parts with the place after each: a killed run goes on at its page.

One file a page, written whole or not at all (renamed into place), with checksums that Parquet verifies; the place
stands in the file itself, so that rows and place cannot disagree. A part that cannot be read is dropped with all that
follow it, and asked again. Nothing is left of a partition that was finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

import msgspec
import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1
_PLACE, _NUMBER, _WRITTEN = b"tickhouse.place", b"tickhouse.number", b"tickhouse.written"
_STALE_S = 86_400  # what was asked for so long ago is asked for again


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one page and the place after it."""

    frame: pl.DataFrame
    place: Any


class Parts:
    """Parts of the partition `key` in a folder of its own below `staging`; in memory, where `staging` is None.

    In memory, too, while another process has the same partition. Use as a context manager.
    """

    def __init__(self, staging: Path | None, source: str, key: str) -> None:
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        self._files: list[Path] = []
        self._bytes: list[bytes] = []
        self.place: Any = None
        if staging is not None:
            name = hashlib.blake2b(f"{_FORMAT}|{key}".encode(), digest_size=16).hexdigest()
            self._open(staging / source / name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __len__(self) -> int:
        return len(self._files) + len(self._bytes)

    def add(self, frame: pl.DataFrame, place: Any) -> None:
        """Keeps a page. In a folder it is there after a kill: `write(2)` and the rename have returned."""
        content = _encode(Part(frame, place), len(self))
        self.place = place
        if self._folder is None:
            self._bytes.append(content)
            return
        file = self._folder / f"{len(self):06d}.parquet"
        partial = file.with_suffix(".partial")
        partial.write_bytes(content)
        partial.rename(file)
        self._files.append(file)

    def frames(self, *, backwards: bool = False) -> Iterator[pl.DataFrame]:
        """The pages in the order they came, or the other way round; one in memory at a time."""
        turn = reversed if backwards else iter
        for content in turn(self._bytes):
            yield _decode(content).frame
        for file in turn(self._files):
            yield _decode(file.read_bytes()).frame

    def finish(self) -> list[bytes]:
        """The parts as Parquet, after their folder is removed."""
        kept = [*self._bytes, *(file.read_bytes() for file in self._files)]
        if self._folder is not None:
            shutil.rmtree(self._folder)
        self._folder, self._files, self._bytes, self.place = None, [], [], None
        return kept

    def _open(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return
        if not (folder / "lock").exists():  # finished by another process between our two steps
            lock.close()
            return
        self._folder, self._lock = folder, lock
        for number, file in enumerate(sorted(folder.glob("*.parquet"))):
            part = _whole(file, number)
            if part is None:
                break
            self._files.append(file)
            self.place = part.place
        for file in set(folder.iterdir()).difference([*self._files, folder / "lock"]):
            file.unlink()


def decode(content: bytes) -> pl.DataFrame:
    """The rows of a part that `finish` gave."""
    return _decode(content).frame


def sweep(staging: Path, source: str) -> None:
    """Removes partitions that nobody came back to for two days."""
    for folder in (staging / source).glob("*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > 2 * _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def _encode(part: Part, number: int) -> bytes:
    import pyarrow.parquet as pq

    told = {_PLACE: msgspec.json.encode(part.place), _NUMBER: str(number), _WRITTEN: str(int(time.time()))}
    table = part.frame.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(told)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", write_page_checksum=True)
    return out.getvalue()


def _decode(content: bytes) -> Part:
    table = _file(content).read(use_threads=False)
    frame = pl.from_arrow(table.replace_schema_metadata(None))
    if not isinstance(frame, pl.DataFrame):  # from_arrow's other answer is for arrays
        raise TypeError(type(frame))
    return Part(frame, msgspec.json.decode(table.schema.metadata[_PLACE]))


def _file(content: bytes) -> Any:
    """Of a small file without threads: those that read ahead may abort the process when it ends."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(content), pre_buffer=False, page_checksum_verification=True)


def _whole(file: Path, number: int) -> Part | None:
    """The part, None where it is broken, old, or not the one that belongs here."""
    import pyarrow as pa

    content = file.read_bytes()
    try:
        told = _file(content).metadata.metadata or {}
        old = time.time() - int(told.get(_WRITTEN, 0)) > _STALE_S
        return None if old or int(told.get(_NUMBER, -1)) != number else _decode(content)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return None

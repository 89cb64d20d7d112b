"""Writing a journal: one `write(2)` a record, one writer a folder, a torn end cut away at opening."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Protocol

from execution.errors import ExecutionCode
from execution.journal.reader import load, segments
from execution.journal.record import FIRST_HASH, MAGIC, SEGMENT, encode, link, segment_name
from infra.errors import TickhouseError

SEGMENT_BYTES = 64 << 20


class Sink(Protocol):
    """Where records go: the journal, or nothing but memory when a session is replayed."""

    def append(self, payload: bytes) -> int:
        """Stores a record for good; gives its sequence number."""
        ...

    @property
    def seq(self) -> int:
        """Number of the last record, 0 before the first."""
        ...


class Journal:
    """Append-only and locked: a record is durable (survives `kill -9`) when `append` returns.

    With `fsync` it also survives the machine, at the cost of a disk flush a record.
    """

    def __init__(self, folder: Path, lock: int, fsync: bool, segment_bytes: int) -> None:
        self._folder = folder
        self._lock = lock
        self._fsync = fsync
        self._limit = segment_bytes
        self._fd = -1
        self._size = 0
        self._hash = FIRST_HASH
        self.seq = 0
        self.torn_bytes = 0  # what opening cut away; kept beside the segment as `<segment>.torn`

    @classmethod
    def open(cls, folder: Path, *, fsync: bool = False, segment_bytes: int = SEGMENT_BYTES) -> Journal:
        """Opens or makes the journal; JOURNAL_BUSY while another process has it, JOURNAL_CORRUPT on damage."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise TickhouseError(ExecutionCode.JOURNAL_WRITE_FAILED, folder=folder, reason=error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise TickhouseError(ExecutionCode.JOURNAL_BUSY, folder=folder) from error
        journal = cls(folder, lock, fsync, segment_bytes)
        try:
            journal._resume()
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, payload: bytes) -> int:
        """Writes one record and gives its number; JOURNAL_WRITE_FAILED leaves the journal as it was."""
        if self._size >= self._limit:
            self._rotate()
        digest = link(self._hash, payload)
        data = encode(payload, digest)
        try:
            _write(self._fd, data)
            if self._fsync:
                os.fdatasync(self._fd)
        except OSError as error:
            self._take_back()
            raise TickhouseError(ExecutionCode.JOURNAL_WRITE_FAILED, folder=self._folder, reason=error) from error
        self._size += len(data)
        self._hash = digest
        self.seq += 1
        return self.seq

    def close(self) -> None:
        """Closes the files and gives the lock back."""
        for name in ("_fd", "_lock"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)

    @property
    def removed(self) -> bool:
        """Whether the file being written no longer has a name on the disk."""
        return os.fstat(self._fd).st_nlink == 0

    @property
    def last_hash(self) -> bytes:
        """The chain's last link."""
        return self._hash

    def _resume(self) -> None:
        files = segments(self._folder)
        if not files:
            self._start(1, FIRST_HASH)
            return
        segment = load(files[-1])
        self.torn_bytes = segment.size - segment.end
        if self.torn_bytes:
            with segment.file.open("rb") as stream:
                stream.seek(segment.end)
                segment.file.with_suffix(".torn").write_bytes(stream.read())
        if segment.end == 0:  # not even its header was whole: the hash before it stands in the segment before
            before = load(files[-2]).last_hash if len(files) > 1 else FIRST_HASH
            segment.file.unlink()
            self.seq = segment.first - 1
            self._start(segment.first, before)
            return
        self._fd = os.open(segment.file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.ftruncate(self._fd, segment.end)
        self._size = segment.end
        self._hash = segment.last_hash
        self.seq = segment.first + len(segment.records) - 1

    def _take_back(self) -> None:
        """Cuts away a part of a record, so that the next one follows a whole one."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:  # nothing may follow it: opening the journal again cuts it off
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def _rotate(self) -> None:
        """Begins the next segment; where that fails the present one stays the one written to."""
        old = self._fd
        try:
            os.fdatasync(old)
        except OSError as error:
            raise TickhouseError(ExecutionCode.JOURNAL_WRITE_FAILED, folder=self._folder, reason=error) from error
        self._start(self.seq + 1, self._hash)
        os.close(old)

    def _start(self, first: int, before: bytes) -> None:
        file = self._folder / segment_name(first)
        head = SEGMENT.pack(MAGIC, first, before)
        try:
            fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                _write(fd, head)
            except OSError:
                os.close(fd)
                file.unlink()
                raise
        except OSError as error:
            raise TickhouseError(ExecutionCode.JOURNAL_WRITE_FAILED, folder=self._folder, reason=error) from error
        self._fd = fd
        self._size = len(head)
        self._hash = before


def _write(fd: int, data: bytes) -> None:
    if os.write(fd, data) != len(data):  # the rest did not fit
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class MemorySink:
    """Counts records and keeps none: for replaying a session, which must write nothing."""

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq

    def append(self, payload: bytes) -> int:
        """Gives the number the record would have had."""
        del payload
        self.seq += 1
        return self.seq

"""Reading a journal: from any record on, while another process writes it, and proving it whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from execution.errors import ExecutionCode
from execution.journal.record import FIRST_HASH, HEAD, MAGIC, SEGMENT, Record, decode, link
from infra.errors import TickhouseError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found."""

    records: int
    torn_bytes: int          # an unfinished record at the very end: a crash cut it, nothing was sent for it
    broken_seq: int          # first damaged or missing record, 0 where there is none
    problem: str
    last_hash: str           # hex; two journals with the same one hold the same records

    @property
    def intact(self) -> bool:
        """Whether every record is as it was written."""
        return self.broken_seq == 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment's sound records and where they end."""

    file: Path
    first: int
    records: list[Record]
    end: int                 # bytes; what follows is torn
    size: int
    last_hash: bytes


def segments(folder: Path) -> list[Path]:
    """The segment files in order."""
    return sorted(folder.glob("*.journal"))


def load(file: Path) -> Segment:
    """Reads a segment up to its torn end; JOURNAL_CORRUPT where damage is followed by sound records."""
    data = file.read_bytes()
    first = int(file.stem)
    if len(data) < SEGMENT.size:  # the crash came while the segment was born
        return Segment(file, first, [], 0, len(data), FIRST_HASH)
    magic, stated, digest = SEGMENT.unpack_from(data)
    if magic != MAGIC or stated != first:
        raise TickhouseError(ExecutionCode.JOURNAL_CORRUPT, file=file, seq=first, problem="bad segment header")
    records: list[Record] = []
    at = SEGMENT.size
    while (found := decode(data, at)) is not None:
        payload, stored, end = found
        digest = link(digest, payload)
        seq = first + len(records)
        if stored != digest:
            raise TickhouseError(ExecutionCode.JOURNAL_CORRUPT, file=file, seq=seq, problem="hash chain broken")
        records.append(Record(seq, payload, digest))
        at = end
    # An unfinished record is the very last thing in the file. If a sound one follows, this is damage.
    for later in range(at + 1, len(data) - HEAD.size):
        if decode(data, later) is not None:
            seq = first + len(records)
            raise TickhouseError(ExecutionCode.JOURNAL_CORRUPT, file=file, seq=seq, problem="damaged record")
    return Segment(file, first, records, at, len(data), digest)


def read(folder: Path, from_seq: int = 1) -> Iterator[Record]:
    """The records from `from_seq` on, in order; stops before a torn end."""
    files = segments(folder)
    for index, file in enumerate(files):
        if index + 1 < len(files) and int(files[index + 1].stem) <= from_seq:
            continue
        segment = load(file)
        yield from (record for record in segment.records if record.seq >= from_seq)
        if index + 1 < len(files) and segment.first + len(segment.records) != int(files[index + 1].stem):
            raise TickhouseError(ExecutionCode.JOURNAL_GAP, file=file, seq=segment.first + len(segment.records))


def verify(folder: Path) -> Verdict:
    """Checks every record, the chain across segments and the end; never raises for what it finds."""
    count, torn, digest = 0, 0, FIRST_HASH
    for file in segments(folder):
        try:
            segment = load(file)
        except TickhouseError as error:
            return Verdict(count, 0, int(str(error.context["seq"])), str(error.context["problem"]), digest.hex())
        if segment.first != count + 1 or torn:
            return Verdict(count, torn, count + 1, "a segment is missing or cut short", digest.hex())
        if segment.end and _before(file) != digest:
            return Verdict(count, torn, segment.first, "hash chain broken between segments", digest.hex())
        count += len(segment.records)
        torn = segment.size - segment.end
        digest = segment.last_hash if segment.end else digest
    return Verdict(count, torn, 0, "", digest.hex())


def _before(file: Path) -> bytes:
    with file.open("rb") as stream:
        return bytes(SEGMENT.unpack(stream.read(SEGMENT.size))[2])


class Tail:
    """Follows a journal that another process writes; keeps its place between polls."""

    def __init__(self, folder: Path, from_seq: int = 1) -> None:
        self._folder = folder
        self._next = from_seq
        self._file: Path | None = None
        self._at = 0
        self._seq = 0

    def poll(self, limit: int = 10_000) -> list[Record]:
        """The records that came since the last poll, at most `limit`; empty while there are none."""
        found: list[Record] = []
        while len(found) < limit:
            if self._file is None and not self._open():
                break
            if not self._drain(found, limit):
                break
        return found

    def _open(self) -> bool:
        candidates = [file for file in segments(self._folder) if int(file.stem) <= self._next]
        if not candidates:
            return False
        self._file, self._at, self._seq = candidates[-1], SEGMENT.size, int(candidates[-1].stem)
        return True

    def _drain(self, found: list[Record], limit: int) -> bool:
        """Reads on; says whether to look again at once (the next segment has begun)."""
        assert self._file is not None  # noqa: S101 - for the type checker: `poll` opened it
        successor = self._successor()  # asked before reading: what is read then includes the segment's end
        with self._file.open("rb") as stream:
            stream.seek(self._at)
            data = stream.read()
        at = 0
        while len(found) < limit and (record := decode(data, at)) is not None:
            payload, digest, at = record
            if self._seq >= self._next:
                found.append(Record(self._seq, payload, digest))
                self._next = self._seq + 1
            self._seq += 1
        self._at += at
        if successor is not None and self._seq == int(successor.stem):
            self._file = None
            return True
        return False

    def _successor(self) -> Path | None:
        assert self._file is not None  # noqa: S101 - for the type checker
        later = [file for file in segments(self._folder) if file.name > self._file.name]
        return later[0] if later else None

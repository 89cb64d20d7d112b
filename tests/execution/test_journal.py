from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.errors import ExecutionCode
from execution.journal import Journal, Tail, read, verify
from execution.journal.reader import segments
from infra.errors import TickhouseError


def write(folder: Path, payloads: list[bytes], **how: int) -> None:
    journal = Journal.open(folder, **how)
    for payload in payloads:
        journal.append(payload)
    journal.close()


def payloads(folder: Path, from_seq: int = 1) -> list[bytes]:
    return [record.payload for record in read(folder, from_seq)]


def code_of(folder: Path) -> ExecutionCode:
    with pytest.raises(TickhouseError) as caught:
        Journal.open(folder)
    assert isinstance(caught.value.code, ExecutionCode)
    return caught.value.code


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, fsync=True)
    assert [journal.append(text) for text in (b"one", b"", b"three" * 1000)] == [1, 2, 3]
    assert [tuple(record)[:2] for record in read(tmp_path, 2)] == [(2, b""), (3, b"three" * 1000)]
    assert verify(tmp_path).intact
    assert verify(tmp_path).last_hash == journal.last_hash.hex()


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    assert code_of(tmp_path) is ExecutionCode.JOURNAL_BUSY
    journal.close()
    Journal.open(tmp_path).close()


def test_torn_at_every_byte_it_opens_with_the_whole_records_and_goes_on(tmp_path: Path) -> None:
    whole = [b"first", b"second record", b"", b"the last one"]
    write(tmp_path / "whole", whole)
    (file,) = segments(tmp_path / "whole")
    data = file.read_bytes()
    ends = [len(data)]
    for count in range(len(whole)):  # where each record begins
        write(tmp_path / f"part{count}", whole[:count])
        ends.append(segments(tmp_path / f"part{count}")[0].stat().st_size)
    for cut in range(len(data)):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / file.name).write_bytes(data[:cut])
        journal = Journal.open(folder)
        kept = payloads(folder)
        assert kept == whole[: len(kept)]
        assert (journal.torn_bytes == 0) == (cut in ends or cut == 0)
        assert journal.append(b"after") == len(kept) + 1
        journal.close()
        assert payloads(folder) == [*kept, b"after"]
        assert verify(folder).intact


def test_damage_before_the_end_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    write(tmp_path / "a", [b"first record", b"second record", b"third record"])
    (file,) = segments(tmp_path / "a")
    data = file.read_bytes()
    second = data.index(b"second")
    for at in range(data.index(b"first") - 8, second + 12):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        file.write_bytes(damaged)
        assert code_of(tmp_path / "a") is ExecutionCode.JOURNAL_CORRUPT, at
        assert file.read_bytes() == bytes(damaged)
        assert not verify(tmp_path / "a").intact


def test_a_record_taken_out_breaks_the_chain(tmp_path: Path) -> None:
    write(tmp_path, [b"first", b"second", b"third"])
    (file,) = segments(tmp_path)
    data = file.read_bytes()
    start, end = data.index(b"second") - 8, data.index(b"third") - 8
    file.write_bytes(data[:start] + data[end:])
    verdict = verify(tmp_path)
    assert (verdict.intact, verdict.broken_seq, verdict.problem) == (False, 2, "hash chain broken")


def test_segments_rotate_and_read_as_one(tmp_path: Path) -> None:
    texts = [f"record {n}".encode() for n in range(40)]
    for part in (texts[:15], texts[15:]):
        write(tmp_path, part, segment_bytes=200)
    assert len(segments(tmp_path)) > 5
    assert payloads(tmp_path) == texts
    assert payloads(tmp_path, 33) == texts[32:]
    assert verify(tmp_path).records == 40


@pytest.mark.parametrize("which", [0, 2])
def test_a_missing_segment_is_noticed(tmp_path: Path, which: int) -> None:
    write(tmp_path, [f"record {n}".encode() for n in range(40)], segment_bytes=200)
    segments(tmp_path)[which].unlink()
    assert not verify(tmp_path).intact
    if which:
        with pytest.raises(TickhouseError) as caught:
            payloads(tmp_path)
        assert caught.value.code is ExecutionCode.JOURNAL_GAP


def test_a_segment_torn_at_its_birth_is_begun_again(tmp_path: Path) -> None:
    write(tmp_path, [b"x" * 200], segment_bytes=100)
    (tmp_path / "00000000000000000002.journal").write_bytes(b"THJR")
    write(tmp_path, [b"second"], segment_bytes=1000)
    assert payloads(tmp_path) == [b"x" * 200, b"second"]
    assert verify(tmp_path).intact


def test_a_full_disk_refuses_the_record_and_keeps_the_journal_whole(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    (file,) = segments(tmp_path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, hard))
    try:
        for _ in range(2):
            with pytest.raises(TickhouseError) as caught:
                journal.append(b"y" * 100)
            assert caught.value.code is ExecutionCode.JOURNAL_WRITE_FAILED
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.append(b"after") == 2
    assert payloads(tmp_path) == [b"before", b"after"]


def test_a_segment_that_cannot_be_begun_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=150)
    journal.append(b"x" * 150)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # not even a segment's header fits
    try:
        for _ in range(2):
            with pytest.raises(TickhouseError) as caught:
                journal.append(b"refused")
            assert caught.value.code is ExecutionCode.JOURNAL_WRITE_FAILED
        with pytest.raises(TickhouseError) as caught:
            Journal.open(tmp_path / "new")
        assert caught.value.code is ExecutionCode.JOURNAL_WRITE_FAILED
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append(b"after")
    journal.close()
    assert payloads(tmp_path) == [b"x" * 150, b"after"]
    assert len(segments(tmp_path)) == 2
    assert verify(tmp_path).intact


@pytest.mark.parametrize("step", ["fdatasync", "ftruncate"])
def test_a_disk_that_fails_later_never_leaves_a_record_that_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    journal = Journal.open(tmp_path, fsync=True)
    journal.append(b"before")
    monkeypatch.setattr(os, "fdatasync", fails)
    if step == "ftruncate":
        monkeypatch.setattr(os, "ftruncate", fails)
    with pytest.raises(TickhouseError):
        journal.append(b"never said to be kept")
    monkeypatch.undo()
    if step == "ftruncate":  # what stands at its end is unknown: it takes no more until it is opened again
        with pytest.raises(TickhouseError) as caught:
            journal.append(b"after")
        assert caught.value.code is ExecutionCode.JOURNAL_WRITE_FAILED
    else:
        journal.append(b"after")
        assert payloads(tmp_path) == [b"before", b"after"]
    journal.close()
    assert verify(tmp_path).intact


@given(st.lists(st.one_of(st.binary(max_size=30), st.just("poll")), max_size=40), st.integers(1, 10))
def test_a_tail_sees_every_record_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[bytes | str], start: int
) -> None:
    folder = tmp_path_factory.mktemp("tail")
    tail = Tail(folder, start)
    assert tail.poll() == []
    journal = Journal.open(folder, segment_bytes=120)
    wrote: list[bytes] = []
    seen: list[bytes] = []
    for step in [*steps, "poll"]:
        if isinstance(step, bytes):
            journal.append(step)
            wrote.append(step)
        else:
            while found := tail.poll(3):
                seen += [record.payload for record in found]
    journal.close()
    assert seen == wrote[start - 1 :]

"""The input log: what was written is what is read; a cut ends it, damage in the middle is said."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from streaming import input_log
from streaming.errors import StreamCode
from streaming.input_log import Entry, Frames, Input, InputLog, WakeUp, pack_frames, read, unpack_frames

times = st.integers(0, 2**62)
inputs = st.builds(Input, st.sampled_from(Entry), times, st.binary(max_size=60))
wakes = st.lists(st.builds(WakeUp, times, st.lists(inputs, max_size=4)), min_size=1, max_size=8)


def write(folder, records):
    log = InputLog(folder)
    for wake in records:
        log.append(wake)
    log.close()
    return folder


@given(wakes)
def test_what_was_written_is_read(tmp_path_factory, records):
    assert list(read(write(tmp_path_factory.mktemp("log") / "s", records))) == records


def test_every_cut_leaves_a_prefix(tmp_path):
    records = [WakeUp(n, [Input(Entry.CONTROL, n, b"x" * n)]) for n in range(6)]
    folder = write(tmp_path / "s", records)
    file = next(folder.iterdir())
    whole = file.read_bytes()
    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        got = list(read(folder))
        assert got == records[: len(got)]
    assert got == records


def test_damage_before_the_end_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(input_log, "_SEGMENT_BYTES", 50)
    folder = write(tmp_path / "s", [WakeUp(n, [Input(Entry.CONTROL, n, b"x" * 40)]) for n in range(3)])
    first, *rest = sorted(folder.iterdir())
    assert rest
    first.write_bytes(first.read_bytes()[:-1] + b"y")
    with pytest.raises(TickhouseError) as caught:
        list(read(folder))
    assert caught.value.code is StreamCode.INPUT_LOG_BROKEN


def test_a_full_disk_stops_the_flow(tmp_path):
    log = InputLog(tmp_path / "s")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._file)
    os.close(full)
    with pytest.raises(TickhouseError) as caught:
        log.append(WakeUp(1, []))
    assert caught.value.code is StreamCode.INPUT_LOG_FULL
    log.close()


def test_a_segment_that_cannot_be_begun_is_said_too(tmp_path, monkeypatch):
    monkeypatch.setattr(input_log, "_SEGMENT_BYTES", 50)
    log = InputLog(tmp_path / "s")
    (tmp_path / "s" / "000002.log").mkdir()
    with pytest.raises(TickhouseError) as caught:
        log.append(WakeUp(1, [Input(Entry.CONTROL, 1, b"x" * 60)]))
    assert caught.value.code is StreamCode.INPUT_LOG_FULL
    with pytest.raises(TickhouseError):
        log.append(WakeUp(2, []))
    log.close()


def test_a_session_is_written_once(tmp_path):
    write(tmp_path / "s", [])
    with pytest.raises(FileExistsError):
        InputLog(tmp_path / "s")


@given(st.lists(st.tuples(st.binary(max_size=50), times), max_size=10))
def test_frames_survive_packing(frames):
    payloads = [payload for payload, _ in frames]
    packed = Frames(
        np.frombuffer(b"".join(payloads), dtype=np.uint8),
        np.cumsum([len(p) for p in payloads], dtype=np.int64),
        np.array([ts for _, ts in frames], dtype=np.int64),
    )
    back = unpack_frames(pack_frames(packed))
    assert [back.frame(n) for n in range(len(frames))] == payloads
    assert back.ts_recv.tolist() == [ts for _, ts in frames]

"""Sockets between the flow and its neighbours: framing, slow readers, neighbours that come and go."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.latency import Latency
from streaming.peer import Channel, Link, Message, Unpacker, pack


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=30)), max_size=8), st.data())
def test_messages_come_whole_however_the_bytes_are_cut(messages, data):
    stream = b"".join(pack(tag, body) for tag, body in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    unpacker, got = Unpacker(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += unpacker.feed(stream[start:end])
    assert got == [Message(tag, body) for tag, body in messages]


@pytest.mark.parametrize("length", [0, 1 << 30])
def test_nonsense_ends_the_connection(length):
    with pytest.raises(ConnectionAbortedError):
        Unpacker().feed(length.to_bytes(4, "little") + b"\1")


def test_a_slow_reader_blocks_nobody_and_misses_nothing():
    ours, theirs = socket.socketpair()
    channel, reader = Channel(ours), Channel(theirs)
    body = b"x" * 300_000
    for _ in range(20):
        channel.send(pack(1, body))
    assert channel.unsent > 0
    got = []
    while len(got) < 20:
        got += reader.receive()
        channel.flush()
    assert channel.unsent == 0
    assert all(message.body == body for message in got)
    channel.close()
    with pytest.raises(ConnectionResetError):
        reader.receive()
    reader.close()


def test_a_link_comes_back_when_its_neighbour_does(tmp_path):
    path, second = tmp_path / "s", 10**9
    link = Link(path)
    assert not link.connect(0)
    assert not link.send(b"x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert not link.connect(1), "not again at once"
        assert link.connect(second)
        link.drop(second)
        assert not link.up
        assert link.connect(2 * second)
        link.drop(0)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_quantiles_are_right_within_an_eighth(samples, q):
    latency = Latency()
    for sample in samples:
        latency.add(sample)
    exact = max(8, sorted(samples)[max(0, -(-int(q * len(samples) * 10**9) // 10**9) - 1)])
    found = latency.quantile(q) * 1000
    assert found >= exact
    later = [max(8, s) for s in sorted(samples)][min(len(samples) - 1, int(q * len(samples)))]
    assert found <= max(exact, later) * 1.13 + 1
    assert latency.total == len(samples)


def test_no_samples_have_no_quantile():
    assert Latency().quantile(0.5) is None

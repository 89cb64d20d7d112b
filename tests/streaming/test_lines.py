"""What the inlet reads: nothing that came while it waited is lost."""

import json
import socket

import numpy as np
import pytest

from execution.link import Unframer
from execution.messages import PULSE_NS, Pulse, decode_message
from streaming.input_log import Entry, unpack_frames
from streaming.lines import FeedLine, GatewayLine
from venues.inbox import Inbox

_NOW = 1_700_000_000_000_000_000


class Stream:
    """A stream link whose inbox the test fills."""

    def __init__(self):
        self.inbox = Inbox()
        self.up = False

    def step(self, wait_s=0.0):
        return self.inbox.take()


def test_word_of_a_connection_alone_is_not_lost_while_waiting():
    stream = Stream()
    feed = FeedLine(stream)
    stream.up = True
    stream.inbox.change(0, True, 5)
    feed.wait(0.001)
    entry = feed.step(6)
    assert [(one.kind, json.loads(one.body)["up"]) for one in entry] == [(Entry.FEED, True)]
    assert feed.step(7) == []


def test_frames_that_came_while_waiting_come_first():
    stream = Stream()
    feed = FeedLine(stream)
    stream.inbox.put(b"one", 1)
    feed.wait(0.001)
    stream.inbox.put(b"two", 2)
    got = [unpack_frames(feed.step(n)[0].body) for n in (3, 4)]
    assert [frames.frame(0) for frames in got] == [b"one", b"two"]
    assert np.array_equal(got[0].ts_recv, [1])


def test_the_gateway_hears_a_pulse_every_second(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "gateway.sock"))
        listener.listen()
        line = GatewayLine(tmp_path / "gateway.sock")
        assert line.step(_NOW)
        gateway, _ = listener.accept()
        with gateway:
            gateway.setblocking(False)
            line.step(_NOW + PULSE_NS - 1)
            with pytest.raises(BlockingIOError):
                gateway.recv(100)
            line.step(_NOW + PULSE_NS)
            line.step(_NOW + PULSE_NS + 1)
            line.step(_NOW)  # the clock was set back
            assert [decode_message(payload) for payload in Unframer().feed(gateway.recv(100))] == [Pulse(), Pulse()]
            line.restart(_NOW)

"""What the inlet reads: nothing that came while it waited is lost."""

import json

import numpy as np

from streaming.input_log import Entry, unpack_frames
from streaming.lines import FeedLine
from venues.inbox import Inbox


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

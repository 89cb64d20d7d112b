"""What the sink tells the publisher: ticks together, soon, and all of them at the end."""

import msgspec
import numpy as np
import pytest

from market.events import EVENT, Kind, empty
from streaming.batch import Batch, Prediction
from streaming.inlet import UnderWay
from streaming.input_log import Entry, Input
from streaming.messages import FromFlow
from streaming.peer import Unpacker
from streaming.sink import Outlet

MS = 1_000_000
START = 1_000 * MS


class Line:
    """A line that keeps what is sent."""

    def __init__(self):
        self.link = self
        self.unsent, self.up = 0, True
        self.unpacker, self.sent = Unpacker(), []

    def send(self, data):
        self.sent += self.unpacker.feed(data)

    def told(self, tag):
        return [message.body for message in self.sent if message.tag == tag]


@pytest.fixture
def publisher():
    return Line()


@pytest.fixture
def outlet(publisher):
    return Outlet(Line(), publisher, Line(), UnderWay())


def tick(ms, kinds=(Kind.TRADE,)):
    batch = Batch(START + ms * MS, [], frames=1, events=empty(len(kinds)))
    batch.events["kind"] = kinds
    batch.events["seq"] = ms
    batch.predictions = [Prediction("m", 1, 1, 0, ms, 0.5)]
    return batch


def numbers(publisher):
    return [int(seq) for body in publisher.told(FromFlow.EVENTS) for seq in np.frombuffer(body, EVENT)["seq"]]


def test_ticks_are_told_together_after_five_milliseconds(outlet, publisher):
    outlet.write_batch([tick(0)])
    for ms in (1, 2, 4):
        outlet.write_batch([tick(ms)])
    assert numbers(publisher) == [0]
    outlet.write_batch([Batch(START + 6 * MS, [Input(Entry.TIMER, 0, b"")])])
    assert numbers(publisher) == [0, 1, 2, 4]
    assert len(publisher.told(FromFlow.EVENTS)) == 2
    told = [row[4] for body in publisher.told(FromFlow.PREDICTIONS) for row in msgspec.json.decode(body)]
    assert told == [0, 1, 2, 4]


def test_nothing_is_left_at_the_end(outlet, publisher):
    outlet.write_batch([tick(0), tick(1)])
    outlet.write_batch([Batch(START + 2 * MS, [Input(Entry.END, 0, b"")])])
    assert numbers(publisher) == [0, 1]


def test_a_slow_publisher_costs_quotes_first(outlet, publisher):
    publisher.unsent = 5 << 20
    outlet.write_batch([tick(0, (Kind.TRADE, Kind.QUOTE, Kind.QUOTE, Kind.BOOK_DELTA))])
    assert numbers(publisher) == [0]
    assert outlet.stats.shed == 2
    publisher.unsent = 17 << 20
    outlet.write_batch([tick(9, (Kind.TRADE, Kind.QUOTE))])
    assert numbers(publisher) == [0]
    assert outlet.stats.shed == 2 + 3

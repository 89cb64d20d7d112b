"""The parts of a link alone: the inbox, the stepped loop, fragments, snapshots that need several attempts."""

from __future__ import annotations

import time
from collections.abc import Callable

import picows
import pytest
from structlog.testing import capture_logs

from tests.venues.answers import Answer, Answers
from tests.venues.frames import instrument
from venues.inbox import FrameBatch, Inbox
from venues.snapshots import SnapshotFetcher
from venues.stepped import SteppedLoop
from venues.websocket import Backoff, StreamLink

HASTY = Backoff(first_s=0.01, longest_s=0.02)
BODY = '{"lastUpdateId":7,"bids":[],"asks":[]}'


def step_until(step: Callable[[], object], condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        step()


def frames(batch: FrameBatch) -> list[bytes]:
    return [batch.frame(number) for number in range(len(batch))]


def test_an_inbox_grows_and_gives_everything_once() -> None:
    inbox = Inbox(size=4, frames=2)
    sent = [b"a" * n for n in (0, 1, 9, 3, 100, 2)]
    for ts, frame in enumerate(sent[:3]):
        inbox.put(frame, ts)
    inbox.change(1, False, 55, "gone")
    for ts, frame in enumerate(sent[3:]):
        inbox.put(memoryview(frame), ts + 3)
    batch = inbox.take()
    inbox.put(b"later", 9)
    assert frames(batch) == sent
    assert batch.ts_recv.tolist() == [0, 1, 2, 3, 4, 5]
    assert [(change.connection, change.up, change.frames) for change in batch.changes] == [(1, False, 3)]
    assert frames(inbox.take()) == [b"later"]
    assert len(inbox.take()) == 0


def test_a_step_waits_no_longer_than_it_must() -> None:
    stepped = SteppedLoop()
    began = time.monotonic()
    stepped.step(0.05)
    assert time.monotonic() - began > 0.04
    stepped.loop.call_later(0.01, stepped.wake)
    began = time.monotonic()
    stepped.step(30.0)
    assert time.monotonic() - began < 10
    stepped.close()
    stepped.close()


class _Server(picows.WSListener):
    """Sends one whole message and one in three parts to whoever connects."""

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        transport.send(picows.WSMsgType.TEXT, b"whole")
        transport.send(picows.WSMsgType.TEXT, b"in ", fin=False)
        transport.send(picows.WSMsgType.CONTINUATION, b"three ", fin=False)
        transport.send(picows.WSMsgType.CONTINUATION, b"parts", fin=True)


def test_fragments_become_one_frame() -> None:
    stepped = SteppedLoop()
    server = stepped.loop.run_until_complete(picows.ws_create_server(lambda _: _Server(), "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    link = StreamLink([f"ws://127.0.0.1:{port}/"], stepped, HASTY)
    batches: list[FrameBatch] = []
    step_until(lambda: batches.append(link.step(0.01)), lambda: sum(map(len, batches)) >= 2)
    assert [frame for batch in batches for frame in frames(batch)] == [b"whole", b"in three parts"]
    assert link.up
    # That the connection stands is said before its first frame.
    assert [change.frames for batch in batches for change in batch.changes] == [0]
    link.close()
    server.close()
    stepped.close()


def test_a_link_to_nobody_stays_quiet_and_keeps_trying() -> None:
    link = StreamLink(["ws://127.0.0.1:9/"], backoff=HASTY)
    for _ in range(20):
        batch = link.step(0.005)
        assert len(batch) == len(batch.changes) == 0
    assert not link.up
    link.close()


def test_a_page_where_a_stream_should_be_is_said_once_with_what_to_do() -> None:
    with Answers({"/ws": lambda _: Answer("<html>maintenance</html>")}) as server, capture_logs() as said:
        link = StreamLink([f"{server.base}/ws".replace("http", "ws", 1)], backoff=HASTY)
        step_until(lambda: link.step(0.005), lambda: server.count("/ws") >= 3)
        assert not link.up
        link.close()
    (line,) = said
    assert line["error"].startswith("VENUE_STREAM_DOWN url=ws://")
    assert "no new risk" in line["error"]


def test_a_snapshot_is_asked_for_until_it_comes() -> None:
    answers = [Answer("<html>"), Answer("slow down", 429), Answer("", 503), Answer(BODY)]
    with Answers({"/fapi/v1/depth": lambda _: answers.pop(0)}) as server:
        stepped = SteppedLoop()
        fetcher = SnapshotFetcher(stepped, f"{server.base}/fapi/v1", HASTY)
        assert fetcher.request(instrument(number=3))
        assert not fetcher.request(instrument(number=3))
        got = []
        step_until(lambda: (stepped.step(0.01), got.extend(fetcher.take())), lambda: got)
        assert (got[0].instrument, got[0].body) == (3, BODY.encode())
        assert "503" in fetcher.last_failure
        assert server.asked == [("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "1000"})] * 4
        assert fetcher.request(instrument(number=3))
        fetcher.close()
        stepped.close()


@pytest.mark.parametrize("failures", [1, 2, 5, 500])
def test_pauses_grow_to_a_limit(failures: int) -> None:
    whole = min(30.0, 0.25 * 2 ** (failures - 1))
    assert 0.5 * whole <= Backoff().pause(failures) <= whole

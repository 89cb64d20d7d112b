"""A feed that is down is never silent, and an exchange that moved ends the flow."""

import structlog

from infra import endpoints
from infra.settings import load
from streaming.feed_watch import FeedWatch
from streaming.inlet import Stop

SECOND = 10**9


def test_it_warns_while_the_feed_is_down_and_ends_when_the_exchange_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("TICKHOUSE_HOME", str(tmp_path))
    stop, place = Stop(), "http://127.0.0.1:1"
    watch = FeedWatch(load(), place, stop)
    with structlog.testing.capture_logs() as said:
        for second in range(1, 32):
            watch(second * SECOND, up=second == 1)
    assert [line["seconds"] for line in said] == [10, 20]
    assert not stop.wanted, "no stack: it may come back"
    endpoints.write(tmp_path, {endpoints.Service.SANDBOX: place})
    watch(60 * SECOND, up=False)
    assert not stop.wanted, "back where it was: the connection is a matter of seconds"
    endpoints.write(tmp_path, {endpoints.Service.SANDBOX: "http://127.0.0.1:2"})
    watch(70 * SECOND, up=False)
    assert (stop.wanted, stop.reason) == (True, "EXCHANGE_MOVED")

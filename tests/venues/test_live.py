"""The whole edge against the sandbox exchange as a process: history, streams, books, and coming back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from infra.stack.ports import free_port
from market import bars as market_bars
from market.book import Books, BookStatus
from market.dataset import Dataset
from market.events import Events, Kind, Side, empty
from market.instrument import Instrument
from signals.features import registry
from tests.support import answers_http, running, wait_until
from tests.venues.answered import answered
from venues.binance.codec import FastDecoder, connections, decode_snapshot, room_for, subscriptions
from venues.ccxt_source import CcxtSource
from venues.exchange import make_exchange, rest_base, websocket_base
from venues.snapshots import SnapshotFetcher
from venues.stepped import SteppedLoop
from venues.websocket import Backoff, StreamLink

pytestmark = pytest.mark.stack

DAY = 86_400 * 10**9
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")


def command(port: int) -> list[str]:
    """A busy market: five scripted trades a second."""
    return [sys.executable, "-m", "sandbox", "--port", str(port), "--trades-per-day", "432000", "--quote-rate", "20"]


@pytest.fixture(scope="module")
def exchange_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("sandbox") / "log"
    with running(command(port), log, lambda: answers_http(f"{url}/fapi/v1/ping")):
        yield url


@pytest.fixture(scope="module")
def source(exchange_url: str) -> CcxtSource:
    return CcxtSource(make_exchange("binance", exchange_url))


@pytest.fixture(scope="module")
def listed(source: CcxtSource) -> list[Instrument]:
    return [spec.instrument(number + 1) for number, spec in enumerate(source.instruments(SYMBOLS))]


class Live:
    """A link, its decoder and what came of it."""

    def __init__(self, url: str, listed: list[Instrument]) -> None:
        self.stepped = SteppedLoop()
        names = subscriptions(listed)
        backoff = Backoff(first_s=0.05, longest_s=0.2)
        urls = connections(websocket_base("binance", url), names, "linear")
        self.link = StreamLink(urls, self.stepped, backoff)
        self.fetcher = SnapshotFetcher(self.stepped, rest_base("binance", url), backoff)
        self.listed = {instrument.id: instrument for instrument in listed}
        self.decoder = FastDecoder(listed)
        self.events: list[Events] = []
        self.changes: list[bool] = []
        self.latest = Books([1, 2])
        self.first = Books([1, 2])

    def step(self) -> None:
        batch = self.link.step(0.005)
        self.changes += [change.up for change in batch.changes]
        for change in batch.changes:
            if not change.up:
                for number in self.listed:
                    self.latest.invalidate(number)
        if len(batch):
            out = empty(room_for(len(batch.buffer), len(batch)))
            ends = np.zeros(len(batch), dtype=np.int64)
            assert self.decoder.decode_batch(batch.buffer, batch.ends, batch.ts_recv, len(batch), out, ends) == []
            self.take(out[: ends[-1]])
        for number in self.latest.unproved():
            self.fetcher.request(self.listed[number])
        for answer in self.fetcher.take():
            events = decode_snapshot(self.listed[answer.instrument], answer.body, answer.ts_recv)
            self.latest.apply(events)
            if self.first.status(answer.instrument) is not BookStatus.LIVE:
                self.first.apply(events)

    def take(self, events: Events) -> None:
        self.events.append(events)
        self.latest.apply(events)
        self.first.apply(events)

    def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.changes, self.fetcher.last_failure)
            self.step()

    def count(self, kind: Kind, instrument: int) -> int:
        return sum(int(((e["kind"] == kind) & (e["instrument"] == instrument)).sum()) for e in self.events)

    def close(self) -> None:
        self.fetcher.close()
        self.link.close()
        self.stepped.close()


@pytest.fixture
def live(exchange_url: str, listed: list[Instrument]) -> Iterator[Live]:
    made = Live(exchange_url, listed)
    yield made
    made.close()


def test_history_agrees_with_itself(source: CcxtSource, listed: list[Instrument]) -> None:
    start = source.now() // DAY * DAY - DAY
    end = start + DAY // 12
    bars, trades = answered(source, Dataset.BARS, listed[0], start, end), source.trades(listed[0], start, end)
    assert len(bars) == 120
    assert (np.diff(trades["seq"]) == 1).all()
    state = market_bars.new_state(1, 60)
    made = np.concatenate([market_bars.update(state, trades), market_bars.close(state, end)])
    for name in ("ts_event", "ts_known", "open", "high", "low", "close", "volume"):
        assert made[name].tolist() == bars[name].tolist()
    funding = answered(source, Dataset.FUNDING_RATES, listed[0], start, start + DAY)
    assert funding["ts_event"].tolist() == [start, start + DAY // 3, start + 2 * DAY // 3]


def test_books_hold_and_history_and_live_give_the_same_features(
    live: Live, source: CcxtSource, listed: list[Instrument]
) -> None:
    live.until(lambda: not live.latest.unproved())
    live.until(lambda: live.count(Kind.TRADE, 1) > 30 and live.count(Kind.BOOK_DELTA, 1) > 100)
    live.latest.invalidate(1)  # a second snapshot, from which the same book must come
    live.until(lambda: not live.latest.unproved())
    live.until(lambda: live.latest.seq(1) == live.first.seq(1))
    assert live.first.gaps(1) == 0
    for side in (Side.BUY, Side.SELL):
        depth = live.first.depth(1, side, 50)
        assert len(depth) > 5
        assert depth.tolist() == live.latest.depth(1, side, 50).tolist()
    assert live.decoder.declined == 0

    heard = np.concatenate(live.events)
    heard = heard[(heard["kind"] == Kind.TRADE) & (heard["instrument"] == 1)]
    begin = int(heard["ts_event"][0])
    fetched = source.trades(listed[0], begin, int(heard["ts_event"][-1]) + 1)
    fetched = fetched[fetched["seq"] >= heard["seq"][0]]
    for name in ("ts_event", "price", "qty", "side", "seq"):
        assert fetched[name].tolist() == heard[name].tolist()
    group = registry.get("flow")
    rows = [registry.compute(group, group.state(1), events)[0] for events in (heard, fetched)]
    assert rows[0].tobytes() == rows[1].tobytes()


def test_marks_and_quotes_come_too(live: Live) -> None:
    kinds = (Kind.MARK, Kind.INDEX, Kind.FUNDING, Kind.QUOTE)
    live.until(lambda: all(live.count(kind, number) for kind in kinds for number in (1, 2)))


def test_a_link_comes_back_and_the_books_with_it(tmp_path: Path, listed: list[Instrument]) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        return answers_http(f"{url}/fapi/v1/ping")

    live = Live(url, listed)  # before there is a server
    live.step()
    with running(command(port), tmp_path / "log", ready):
        live.until(lambda: live.link.up and not live.latest.unproved(), 30)
    live.until(lambda: not live.link.up and live.changes.count(False) == 2)
    assert live.latest.status(1) is BookStatus.STALE
    with running(command(port), tmp_path / "log", ready):
        live.until(lambda: live.link.up and not live.latest.unproved(), 30)
        before = live.latest.seq(1)
        live.until(lambda: live.latest.seq(1) > before)
    assert live.changes == [True, True, False, False, True, True]
    live.close()
    wait_until(live.stepped.loop.is_closed)

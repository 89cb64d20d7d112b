"""A fetch that was cut anywhere goes on at its page, whatever cut it: kill -9, a ban, an outage, a web page."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset
from tests.venues.answers import Answer, Answers, Query
from tests.venues.test_ccxt_source import BTC, FAPI, HASTY, T0, agg_trade, agg_trades, at, kline, klines, serve
from venues.ccxt_source import CcxtSource
from venues.errors import VenueCode
from venues.exchange import make_exchange
from venues.source import Request

COUNT = 7500
PATH = f"{FAPI}/aggTrades"
REQUEST = Request(Dataset.TRADES, BTC, at(0), at(120))

CHILD = """
import sys
from pathlib import Path
from tests.venues.test_ccxt_resume import REQUEST, staged
list(staged(sys.argv[1], Path(sys.argv[2])).fetch(REQUEST))
"""


def staged(base: str, folder: Path) -> CcxtSource:
    return CcxtSource(make_exchange("binance", base), HASTY, folder)


def ids(source: CcxtSource, request: Request = REQUEST) -> list[int]:
    parts = list(source.fetch(request))
    return pl.concat(parts)["trade_id"].to_list() if parts else []


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.parquet") if path.is_file()]


def test_after_kill_9_only_the_rest_is_asked_for(tmp_path: Path) -> None:
    reached, killed = threading.Event(), threading.Event()

    def route(query: Query) -> Answer:
        if query.get("fromId") == str(4 * 999 + 999) and not killed.is_set():
            reached.set()
            killed.wait(60)
        return agg_trades(COUNT)(query)

    alone = list(range(COUNT))
    with serve(aggTrades=agg_trades(COUNT)) as answers:
        assert ids(staged(answers.base, tmp_path / "other")) == alone
        assert answers.count(PATH) == answers_of_one_run(alone)
    with serve(aggTrades=route) as answers:
        command = [sys.executable, "-c", CHILD, answers.base, str(tmp_path)]
        child = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        try:
            assert reached.wait(60)
        finally:
            child.kill()
            child.wait()
            killed.set()
        before = answers.count(PATH)
        assert len(files(tmp_path)) == before - 1
        assert ids(staged(answers.base, tmp_path)) == alone
        again = answers.count(PATH) - before
        assert before - 1 + again == answers_of_one_run(alone)
        assert files(tmp_path) == []


def answers_of_one_run(alone: list[int]) -> int:
    """An empty first hour, the first thousand, then 999 new ones a page, and a last page with nothing new."""
    return 2 + -(-(len(alone) - 1000) // 999) + 1


@pytest.mark.parametrize(
    ("cut", "code"),
    [
        (Answer({"code": -1003, "msg": "slow down"}, 429, {"Retry-After": "60"}), VenueCode.VENUE_RATE_LIMITED),
        (Answer({"code": -1003, "msg": "banned"}, 418, {"Retry-After": "120"}), VenueCode.VENUE_RATE_LIMITED),
        (Answer("<html>502 Bad Gateway</html>", 502), VenueCode.VENUE_UNREACHABLE),
        (Answer("<html>maintenance</html>"), VenueCode.VENUE_BAD_ANSWER),
        (Answer('[{"a": 1, "p"'), VenueCode.VENUE_BAD_ANSWER),
        (Answer({"code": -1100, "msg": "no"}, 400), VenueCode.VENUE_REFUSED),
    ],
)
def test_what_was_had_before_an_outage_is_not_asked_again(tmp_path: Path, cut: Answer, code: VenueCode) -> None:
    down = True

    def route(query: Query) -> Answer:
        return cut if down and int(query.get("fromId", "0")) > 3000 else agg_trades(COUNT)(query)

    with serve(aggTrades=route) as answers:
        with pytest.raises(TickhouseError) as raised:
            ids(staged(answers.base, tmp_path))
        assert raised.value.code is code
        kept = len(files(tmp_path))
        assert kept == 5
        down, before = False, answers.count(PATH)
        assert ids(staged(answers.base, tmp_path)) == list(range(COUNT))
        assert answers.count(PATH) - before == answers_of_one_run(list(range(COUNT))) - kept


def test_a_short_ban_is_waited_for(tmp_path: Path) -> None:
    refusals = [Answer({"code": -1003, "msg": "slow"}, 429, {"Retry-After": "0"}), Answer("", 503)]

    def route(query: Query) -> Answer:
        return refusals.pop() if refusals and "fromId" in query else agg_trades(2500)(query)

    with serve(aggTrades=route) as answers:
        assert ids(staged(answers.base, tmp_path)) == list(range(2500))


def test_a_broken_part_is_asked_for_again(tmp_path: Path) -> None:
    def route(query: Query) -> Answer:
        return Answer("", 503) if int(query.get("fromId", "0")) > 3000 else agg_trades(COUNT)(query)

    with serve(aggTrades=route) as answers, pytest.raises(TickhouseError):
        ids(staged(answers.base, tmp_path))
    third = sorted(files(tmp_path))[2]
    third.write_bytes(third.read_bytes()[:-40])
    with serve(aggTrades=agg_trades(COUNT)) as answers:
        assert ids(staged(answers.base, tmp_path)) == list(range(COUNT))
        assert answers.count(PATH) == answers_of_one_run(list(range(COUNT))) - 2


def test_another_end_takes_up_the_same_pages(tmp_path: Path) -> None:
    """A run that plans its days otherwise still finds what the killed one had."""
    def route(query: Query) -> Answer:
        return Answer("", 503) if int(query.get("fromId", "0")) > 5000 else agg_trades(COUNT)(query)

    with serve(aggTrades=route) as answers, pytest.raises(TickhouseError):
        ids(staged(answers.base, tmp_path))
    end = (agg_trade(2000)["T"]) * 10**6
    with serve(aggTrades=agg_trades(COUNT)) as answers:
        some = ids(staged(answers.base, tmp_path), Request(Dataset.TRADES, BTC, at(0), end))
        assert some == list(range(2000))
        assert answers.count(PATH) == 0


def test_a_page_that_repeats_once_is_asked_again_and_always_is_an_error(tmp_path: Path) -> None:
    """A broken cache gives the first page for every start; ccxt would make an empty page of it."""
    times = 0

    def cached(query: Query) -> Answer:
        nonlocal times
        if int(query["startTime"]) > T0 and times > 0:
            times -= 1
            return klines()({**query, "startTime": str(T0)})
        return klines()(query)

    request = Request(Dataset.BARS, BTC, at(0), at(2500))
    with serve(klines=cached) as answers:
        times = 1
        assert sum(len(part) for part in staged(answers.base, tmp_path).fetch(request)) == 2500
        times = 100
        with pytest.raises(TickhouseError) as raised:
            list(staged(answers.base, tmp_path).fetch(request))
    assert raised.value.code is VenueCode.VENUE_PAGE_REPEATED


def test_pages_that_come_newest_first_are_turned_round(tmp_path: Path) -> None:
    def route(query: Query) -> Answer:
        return Answer(klines()(query).body[::-1])

    request = Request(Dataset.BARS, BTC, at(0), at(1500))
    with serve(klines=route) as answers:
        made = pl.concat(staged(answers.base, tmp_path).fetch(request))
    assert made["ts_event"].to_list() == [at(n) for n in range(1500)]


def test_a_venue_that_gives_its_newest_rows_whatever_is_asked() -> None:
    """The newest 500 bars for any start: without a word a year of history would be missing."""
    now = T0 + 5000 * 60_000

    def newest(query: Query) -> Answer:
        return Answer([kline(n) for n in range(5000 - min(500, int(query["limit"])), 5000)])

    with serve(now=now, klines=newest) as answers:
        source = CcxtSource(make_exchange("binance", answers.base), HASTY)
        with pytest.raises(TickhouseError) as raised:
            list(source.fetch(Request(Dataset.BARS, BTC, at(0), at(2500))))
    assert raised.value.code is VenueCode.VENUE_SINCE_IGNORED


def test_a_late_listing_is_no_ignored_start() -> None:
    def route(query: Query) -> Answer:
        return klines(absent=set(range(3000)), last=10**6)(query)

    with serve(klines=route) as answers:
        source = CcxtSource(make_exchange("binance", answers.base), HASTY)
        (made,) = source.fetch(Request(Dataset.BARS, BTC, at(0), at(4000)))
    assert made["ts_event"].to_list() == [at(n) for n in range(3000, 4000)]


def test_memory_does_not_grow_with_the_pages(tmp_path: Path) -> None:
    """Batches come out of the parts; what is handed on at once is bounded."""
    with serve(aggTrades=agg_trades(25_000)) as answers:
        sizes = [len(part) for part in staged(answers.base, tmp_path).fetch(
            Request(Dataset.TRADES, BTC, at(0), at(1000))
        )]
    assert sum(sizes) == 25_000
    assert max(sizes) < 22_000
    assert len(sizes) == 2


def test_two_fetches_of_one_day_at_once(tmp_path: Path) -> None:
    answers: Answers
    with serve(aggTrades=agg_trades(3000)) as answers:
        one, other = staged(answers.base, tmp_path), staged(answers.base, tmp_path)
        results: list[list[int]] = []
        threads = [threading.Thread(target=lambda s=s: results.append(ids(s))) for s in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [list(range(3000))] * 2
    assert files(tmp_path) == []

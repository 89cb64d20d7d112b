"""Venues that fail half-way: the other instruments are published, and the second run asks only for the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import ingest_log
from tests.assets.conftest import failure
from tests.assets.rest_venue import RestVenue, klines
from tests.assets.tape import DAY_NS, FIRST, day_ns
from tests.venues.answers import Answer

pytestmark = pytest.mark.stack
LAST = FIRST + timedelta(days=2)
HALF_MS = (day_ns(FIRST) + DAY_NS) // 1_000_000
BROKEN = {
    "429": (Answer({"code": -1003, "msg": "Too many requests"}, 429, {"Retry-After": "60"}), "VENUE_RATE_LIMITED"),
    "418": (Answer({"code": -1003, "msg": "banned"}, 418, {"Retry-After": "120"}), "VENUE_RATE_LIMITED"),
    "503": (Answer("<html>503 Service Unavailable</html>", 503), "VENUE_UNREACHABLE"),
    "page": (Answer("<html>maintenance</html>"), "VENUE_BAD_ANSWER"),
}


def states(client):
    found = ingest_log.states(client, "bars", "binance", FIRST, FIRST + timedelta(days=30))
    return {key: state.label for key, state in found.items()}


@pytest.mark.parametrize("kind", BROKEN)
def test_one_instrument_fails_half_way(clickhouse, kind):
    answer, code = BROKEN[kind]

    def fault(query):
        late = int(query["startTime"]) > HALF_MS
        return answer if query["symbol"] == "ETHUSDT" and late else None

    venue = RestVenue(fault)
    with venue.answers:
        assert venue.run("instruments", last=LAST).success
        said = failure(venue.run("bars_1m", last=LAST))
        assert code in said
        assert "ETH/USDT:USDT bars" in said
        good = states(clickhouse)
        assert {key: state for key, state in good.items() if key[0] == 1} == {
            (1, FIRST + timedelta(days=day)): "complete" for day in range(3)
        }
        assert set(good.values()) == {"complete"}
        asked = venue.asked("BTC")
        venue.fault = lambda _: None
        assert venue.run("bars_1m", last=LAST).success
        assert venue.asked("BTC") == asked
    assert len(states(clickhouse)) == 6
    assert set(states(clickhouse).values()) == {"complete"}
    assert clickhouse.command("SELECT count() FROM bars") == 6 * 1440


def test_a_page_that_repeats_is_refused_and_nothing_of_it_is_kept(clickhouse):
    first_page = str(day_ns(FIRST) // 1_000_000)

    def fault(query):
        stuck = {**query, "startTime": first_page}
        return Answer(klines(stuck)) if query["symbol"] == "ETHUSDT" and int(query["startTime"]) > HALF_MS else None

    venue = RestVenue(fault)
    with venue.answers:
        venue.run("instruments", last=LAST)
        said = failure(venue.run("bars_1m", last=LAST))
        assert "VENUE_" in said
        assert "ETH/USDT:USDT bars" in said
        assert {key[0] for key in states(clickhouse) if key[1] == LAST} == {1}
        venue.fault = lambda _: None
        assert venue.run("bars_1m", last=LAST).success
    assert clickhouse.command("SELECT uniqExact(instrument, ts_event) FROM bars") == 6 * 1440

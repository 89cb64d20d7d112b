"""The instruments asset over the years: delisted, dropped from the list, listed again, misspelt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import dagster as dg
import pytest

from assets.ingest import instruments as asset
from market.instrument import InstrumentSpec
from store import instruments
from tests.store.test_instruments import T, spec

pytestmark = pytest.mark.stack

DAY = 86_400 * 10**9
BTC, FTT = "BTC/USDT:USDT", "FTT/USDT:USDT"


@dataclass
class List:
    """A venue's list of the day, and the resource that opens it."""

    specs: list[InstrumentSpec]
    now_ns: int
    asked: list[str] = field(default_factory=list)

    def rest(self, venue, symbols):
        return self

    def now(self):
        return self.now_ns

    def instruments(self, symbols):
        self.asked = list(symbols)
        return [replace(one, valid_from=self.now_ns) for one in self.specs if one.symbol in symbols]


@dataclass
class Database:
    held: object

    def client(self):
        from contextlib import nullcontext

        return nullcontext(self.held)


def run(client, venue_list, symbols=(BTC, FTT)):
    made = asset.build("binance", symbols, "pool")
    context = dg.build_asset_context(
        resources={"clickhouse": dg.ResourceDefinition.hardcoded_resource(Database(client)),
                   "sources": dg.ResourceDefinition.hardcoded_resource(venue_list)}
    )
    return made(context)


def test_a_symbol_over_the_years(clickhouse):
    btc, ftt = spec("BTC", listed=T - DAY), spec("FTT", listed=T - DAY)
    run(clickhouse, List([btc, ftt], T))
    run(clickhouse, List([btc], T + 5 * DAY))
    run(clickhouse, List([btc], T + 6 * DAY))
    run(clickhouse, List([btc, replace(ftt, listed=T + 20 * DAY)], T + 21 * DAY))
    told = [(x.id, x.symbol, x.valid_from, x.valid_to) for x in instruments.load(clickhouse)]
    assert told == [
        (1, BTC, T - DAY, 0), (2, FTT, T - DAY, T + 5 * DAY), (3, FTT, T + 20 * DAY, 0),
    ]
    assert [x.id for x in instruments.universe(clickhouse, T)] == [1, 2]


def test_a_misspelt_symbol_is_an_error_and_closes_nothing(clickhouse):
    from infra.errors import TickhouseError

    run(clickhouse, List([spec("BTC"), spec("FTT")], T))
    with pytest.raises(TickhouseError, match="VENUE_SYMBOL_UNKNOWN"):
        run(clickhouse, List([spec("BTC")], T + DAY), (BTC, FTT, "BTCC/USDT:USDT"))
    assert [x.valid_to for x in instruments.load(clickhouse)] == [0, 0]


def test_a_day_is_asked_for_by_the_name_of_that_day(clickhouse):
    from datetime import UTC, date, datetime

    from assets.ingest import wanted
    from assets.ingest.feeds import FEEDS

    start = datetime(2022, 1, 1, tzinfo=UTC)
    at = int(start.timestamp()) * 10**9
    (life,) = instruments.record(clickhouse, [spec("NANO", listed=at, valid_from=at + 90 * DAY)])
    instruments.rename(clickhouse, life.id, "XNO/USDT:USDT", "XNOUSDT", at + 10 * DAY)
    days = [date(2021, 12, 31), date(2022, 1, 10), date(2022, 1, 11)]
    found = wanted.of_symbols(
        [FEEDS[0].subject], instruments.spells(clickhouse), "binance", ["XNO/USDT:USDT"], days
    )
    assert [(one.life.id, one.life.symbol, one.days) for one in found] == [
        (life.id, "NANO/USDT:USDT", [date(2022, 1, 10)]), (life.id, "XNO/USDT:USDT", [date(2022, 1, 11)]),
    ]

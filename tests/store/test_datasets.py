"""What comes late, what is not told, what we held when: the rules of writing, one example each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.adjustment import Adjustment
from market.dataset import SCHEMAS, Dataset, conform, label
from market.instrument import InstrumentKind, InstrumentSpec, Status
from store import adjustments, bars, datasets, funding, ingest_log, instruments, series, trades
from store.clickhouse import connect
from store.errors import StoreCode
from store.ingest_log import DAY_NS, IngestEntry, IngestState
from tests.store.rows import ANY_STATE, DAY, MINUTE, frame, values

pytestmark = pytest.mark.stack

LATER = DAY + 5 * DAY_NS


def publish(client, dataset, state=IngestState.COMPLETE):
    entry = IngestEntry(label(dataset, series="mood"), "v", 1, date(2026, 1, 1), state, 0, "", "rest")
    ingest_log.record(client, [entry])


def read(client, dataset, as_of=None, **more):
    more = {"allow": ANY_STATE, "series": "mood"} | more
    return datasets.read(client, dataset, [1], DAY, DAY + DAY_NS, as_of, **more)


@pytest.mark.parametrize("dataset", list(Dataset))
def test_every_dataset_comes_back_as_it_went_in(clickhouse, dataset):
    page = frame(dataset, [(0, 7, 1), (1, 8, 1)])
    assert datasets.write(clickhouse, dataset, page, LATER) == 2
    assert datasets.write(clickhouse, dataset, page.reverse().with_columns(line=pl.lit(3)), LATER) == 0
    back = read(clickhouse, dataset)
    assert list(back.columns) == list(SCHEMAS[dataset])
    assert conform(back, dataset).equals(page)


@pytest.mark.parametrize("dataset", list(Dataset))
def test_a_restated_row_is_a_revision_and_a_late_row_is_news(clickhouse, dataset):
    datasets.write(clickhouse, dataset, frame(dataset, [(0, 7, 1), (1, 8, 1)]), DAY + 10 * MINUTE)
    publish(clickhouse, dataset)
    assert datasets.write(clickhouse, dataset, frame(dataset, [(0, 9, 1), (1, 8, 1), (2, 5, 1)]), LATER) == 2
    assert values(dataset, read(clickhouse, dataset, LATER - 1)) == {0: 7, 1: 8}
    assert values(dataset, read(clickhouse, dataset, LATER)) == {0: 9, 1: 8, 2: 5}


@pytest.mark.parametrize("state", [IngestState.PARTIAL, IngestState.MISSING])
def test_rows_that_complete_an_open_day_are_known_when_they_happened(clickhouse, state):
    bars.write(clickhouse, frame(Dataset.BARS, [(0, 7, 1)]), DAY + 10 * MINUTE)
    if state is IngestState.MISSING:  # published, then lost: what is fetched again is no news
        publish(clickhouse, Dataset.BARS)
    publish(clickhouse, Dataset.BARS, state)
    bars.write(clickhouse, frame(Dataset.BARS, [(0, 7, 1), (1, 8, 1)]), LATER)
    assert values(Dataset.BARS, read(clickhouse, Dataset.BARS, DAY + 2 * MINUTE)) == {0: 7, 1: 8}


def test_one_interval_published_says_nothing_of_another(clickhouse):
    publish(clickhouse, Dataset.BARS)
    hourly = frame(Dataset.BARS, [(0, 7, 60)]).with_columns(interval_s=pl.lit(3600, dtype=pl.UInt32))
    bars.write(clickhouse, hourly, LATER)
    back = read(clickhouse, Dataset.BARS, DAY + 60 * MINUTE, interval_s=3600)
    assert back["close"].to_list() == [7]
    with pytest.raises(TickhouseError) as caught:
        bars.read(clickhouse, [1], DAY, DAY + 1, 3600)
    assert caught.value.context["dataset"] == "bars_1h"


def test_what_a_source_does_not_tell_revises_nothing(clickhouse):
    known = frame(Dataset.BARS, [(0, 7, 1)]).with_columns(count=pl.lit(12, dtype=pl.Int64))
    silent = known.with_columns(count=pl.lit(-1, dtype=pl.Int64))
    assert bars.write(clickhouse, silent, LATER) == 1
    assert bars.write(clickhouse, known, LATER + 1) == 1, "what is told now was not known before"
    assert bars.write(clickhouse, silent, LATER + 2) == 0
    assert bars.write(clickhouse, silent.with_columns(close=pl.lit(8, dtype=pl.Int64)), LATER + 3) == 1
    assert read(clickhouse, Dataset.BARS).select("close", "count").row(0) == (8, 12)
    rate = frame(Dataset.FUNDING_RATES, [(0, 7, 0)])
    assert funding.write(clickhouse, rate.with_columns(mark_price=pl.lit(5)), LATER) == 1
    assert funding.write(clickhouse, rate.with_columns(mark_price=pl.lit(0)), LATER) == 0


def test_an_audit_sees_what_we_held_and_what_the_log_said(clickhouse):
    def now():
        return int(clickhouse.command("SELECT toUnixTimestamp64Nano(now64(9))"))

    start = now()
    bars.write(clickhouse, frame(Dataset.BARS, [(0, 7, 1)]), LATER)
    publish(clickhouse, Dataset.BARS)
    first = now()
    bars.write(clickhouse, frame(Dataset.BARS, [(0, 9, 1)]), LATER)
    publish(clickhouse, Dataset.BARS, IngestState.QUARANTINED)
    assert values(Dataset.BARS, read(clickhouse, Dataset.BARS, stored_by_ns=first, allow=())) == {0: 7}
    with pytest.raises(TickhouseError) as caught:
        read(clickhouse, Dataset.BARS, allow=())
    assert caught.value.context["state"] == "quarantined"
    with pytest.raises(TickhouseError) as caught:
        read(clickhouse, Dataset.BARS, stored_by_ns=start, allow=())
    assert caught.value.code is StoreCode.DATA_NOT_COMPLETE
    assert caught.value.context["state"] == "missing"


def test_decades_of_days_go_in_at_once(clickhouse):
    days = 366 * 15
    page = frame(Dataset.BARS, [(i * 1440, 7, 1440) for i in range(-days, 0)])
    assert bars.write(clickhouse, page.with_columns(interval_s=pl.lit(86400, dtype=pl.UInt32)), LATER) == days


def test_series_of_the_market_and_of_an_instrument_are_apart(clickhouse):
    mood = frame(Dataset.SERIES, [(0, 7, 1)], instrument=0)
    both = pl.concat([mood, frame(Dataset.SERIES, [(0, 8, 1)]), mood.with_columns(series=pl.lit("other"))])
    assert series.write(clickhouse, both, LATER) == 3
    back = series.read(clickhouse, "mood", [0, 1], DAY, DAY + 1, allow=ANY_STATE)
    assert back.select("instrument", "value").rows() == [(0, 7.0), (1, 8.0)]


def test_a_page_that_names_a_trade_twice_keeps_the_last(clickhouse):
    page = frame(Dataset.TRADES, [(0, 7, 1), (0, 8, 1)])
    assert trades.write(clickhouse, page, LATER) == 1
    assert values(Dataset.TRADES, read(clickhouse, Dataset.TRADES)) == {0: 8}


def test_two_backfills_of_a_day_at_once_end_with_one_copy(clickhouse, settings):
    """Both see that nothing is held; one has another value for a trade. Whoever came first stays, merged or not."""
    pages = [frame(Dataset.TRADES, [(i, value if i == 3 else 1, 1) for i in range(50)]) for value in (7, 9)]
    clients = [connect(settings) for _ in pages]
    both_looked = Barrier(2)

    def backfill(client, page):
        plain = client.insert_arrow

        def insert(table, batch, **more):
            if table == "trades":
                both_looked.wait(30)
            return plain(table, batch, **more)

        client.insert_arrow = insert  # the real insert, held back until the other has looked too
        return trades.write(client, page, LATER)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(backfill, clients, pages)) == [50, 50]
    for client in clients:
        client.close()
    first = clickhouse.command("SELECT argMin(price, ts_stored) FROM trades WHERE price > 1")
    before = read(clickhouse, Dataset.TRADES)
    assert before.height == 50
    clickhouse.command("OPTIMIZE TABLE trades FINAL")
    assert clickhouse.command("SELECT count() FROM trades") == 50
    assert read(clickhouse, Dataset.TRADES).equals(before)
    winner = before.filter(pl.col("price") > 1)["price"].item()
    assert winner == first
    assert trades.write(clickhouse, pages[0 if winner == 9 else 1], LATER) == 1, "asked again, the loser is a revision"


def test_prices_across_a_redenomination_in_one_unit(clickhouse):
    spec = {"venue": "v", "symbol": "COCOS/USDT", "venue_symbol": "COCOSUSDT", "kind": InstrumentKind.SPOT}
    money = {"base": "COCOS", "quote": "USDT", "settle": "USDT", "price_scale": 2, "qty_scale": 2, "contract_size": 1}
    rules = dict.fromkeys(("tick", "lot", "min_qty", "max_qty", "min_notional", "maker_fee_ppm", "taker_fee_ppm"), 1)
    (life,) = instruments.record(
        clickhouse, [InstrumentSpec(**spec, **money, **rules, status=Status.TRADING, valid_from=DAY)]
    )
    bars.write(clickhouse, frame(Dataset.BARS, [(0, 700, 1), (1, 7, 1)], instrument=life.id), LATER)
    at = DAY + MINUTE
    adjustments.record(clickhouse, [Adjustment(life.id, at, at, 100, 1, "test")])
    raw, told, before = (
        bars.read(clickhouse, [life.id], DAY, LATER, as_of_ns=as_of, allow=ANY_STATE, adjusted=adjusted)
        for adjusted, as_of in ((False, None), (True, None), (True, DAY + MINUTE - 1))
    )
    assert raw["close"].to_list() == [700, 7]
    prices = (told["close"] / 10 ** told["price_scale"].cast(pl.Float64)).to_list()
    assert prices == pytest.approx([0.07, 0.07])
    assert before["close"].to_list() == [], "no bar had closed yet"
    assert trades.read(clickhouse, [life.id], DAY, LATER, allow=ANY_STATE, adjusted=True).is_empty()

"""Dated series and recorded candle files, through Dagster to the table and back as of a time."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from assets.ingest import definitions as ingest
from assets.resources import ClickHouse, Sources
from market.dataset import Dataset
from market.instrument import InstrumentKind, InstrumentSpec, Status
from orchestration import partitions
from store import datasets, ingest_log, instruments, series
from tests.venues.answers import Answer, Answers
from tests.venues.files import reading
from venues.catalogue import Files, Index

pytestmark = pytest.mark.stack
DAY_NS = 86_400 * 10**9
FIRST, LAST = date(2019, 2, 25), date(2019, 2, 28)
T0 = 1_551_052_800 * 10**9


def backfill(asset_of, instance, first=FIRST, last=LAST):
    definitions = dg.Definitions(
        assets=[ingest.asset(asset_of, partitions.daily(first))], executor=dg.in_process_executor,
        resources={"clickhouse": ClickHouse(), "sources": Sources()},
    )
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, raise_on_error=False,
        tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)},
    )


def states(client, label, venue, first=FIRST, last=LAST):
    found = ingest_log.states(client, label, venue, first, last + timedelta(days=1))
    return [found[key].label for key in sorted(found)]


@pytest.fixture
def fear_and_greed():
    """A publisher with a value a day; the test changes `values`."""
    values = {0: "37", 1: "47", 2: "40", 3: "44"}
    with Answers({}) as answers:
        answers.routes["/fng"] = lambda _: Answer({"data": [
            {"value": value, "timestamp": str(T0 // 10**9 + day * 86_400)} for day, value in reversed(values.items())
        ]})
        entry = Index(
            name="fear_greed", url=f"{answers.base}/fng", rows="data", time="timestamp", time_unit="s",
            columns={"fear_greed": "value"}, publication_lag_s=3_600,
        )
        yield entry, values


def read(client, as_of_ns=None):
    frame = series.read(client, "fear_greed", [0], T0, T0 + 4 * DAY_NS, as_of_ns)
    return frame["value"].to_list()


def test_a_series_is_read_as_it_was_known(clickhouse, fear_and_greed):
    entry, values = fear_and_greed
    instance = dg.DagsterInstance.ephemeral()
    assert backfill(ingest.index(entry), instance).success
    assert states(clickhouse, "series/fear_greed", "series") == ["complete"] * 4
    assert read(clickhouse) == [37.0, 47.0, 40.0, 44.0]
    noon = T0 + 2 * DAY_NS + 1_800 * 10**9  # the third day's value is published an hour after its midnight
    assert read(clickhouse, noon) == [37.0, 47.0]
    between = int(datetime.now(UTC).timestamp() * 10**9)
    values[1] = "99"
    assert backfill(ingest.index(entry), instance).success
    assert read(clickhouse) == [37.0, 99.0, 40.0, 44.0]
    assert read(clickhouse, between) == [37.0, 47.0, 40.0, 44.0]


def test_a_bad_value_takes_its_own_day_only(clickhouse, fear_and_greed):
    entry, values = fear_and_greed
    values[2] = "n/a"
    assert not backfill(ingest.index(entry), dg.DagsterInstance.ephemeral()).success
    assert states(clickhouse, "series/fear_greed", "series") == ["complete", "complete", "quarantined", "complete"]
    (payload,) = clickhouse.query("SELECT payload FROM quarantine").result_columns[0]
    assert '"value": "n/a"' in payload
    values[2] = "40"
    assert backfill(ingest.index(entry), dg.DagsterInstance.ephemeral()).success
    assert read(clickhouse) == [37.0, 47.0, 40.0, 44.0]


def listed(client, symbol="XRP/ETH"):
    base, quote = symbol.split("/")
    return instruments.record(client, [InstrumentSpec(
        venue="binance", symbol=symbol, venue_symbol=base + quote, kind=InstrumentKind.SPOT, base=base, quote=quote,
        settle=quote, price_scale=8, qty_scale=8, contract_size=10**8, tick=1, lot=10**8, min_qty=0, max_qty=0,
        min_notional=0, maker_fee_ppm=0, taker_fee_ppm=0, status=Status.TRADING, valid_from=0,
    )])[0]


@pytest.mark.recordings
def test_recorded_files_come_to_the_table_as_their_days(clickhouse, recordings):
    life = listed(clickhouse)
    folder = recordings / "freqtrade+freqtrade/tests/testdata"
    first, last = date(2019, 10, 11), date(2019, 10, 12)
    entry = Files(
        name="x_5m", venue="binance", format="freqtrade_feather", symbols=("XRP/ETH",),
        path=f"{folder}/{{base}}_{{quote}}-5m.feather", options={"dataset": "bars", "interval_s": "5m"},
    )
    backfill(ingest.files(entry), dg.DagsterInstance.ephemeral(), first, last)
    # Five minutes without a trade have no bar, and nobody said that this venue leaves them out: the days are partial.
    assert states(clickhouse, "bars_5m", "binance", first, last) == ["partial", "partial"]
    start = T0 + (first - FIRST).days * DAY_NS
    bars = datasets.read(
        clickhouse, Dataset.BARS, [life.id], start, start + 2 * DAY_NS, interval_s=300, allow=("partial",)
    )
    assert bars.height == 573
    trades = reading.read("freqtrade_feather", folder / "XRP_ETH-trades.feather", of=life)
    traded = trades.filter(pl.col("ts_event").is_between(start, start + 2 * DAY_NS, closed="left"))
    assert bars["volume"].sum() == traded["qty"].sum()

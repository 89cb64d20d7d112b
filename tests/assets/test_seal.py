"""Sealing: holes of the live recording are found by id, filled from the venue, and measured; twice is once."""

from __future__ import annotations

from datetime import date

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets import seal, seal_compare
from assets.ingest import definitions as ingest
from assets.resources import ClickHouse
from infra.errors import TickhouseError
from market.dataset import Dataset
from orchestration import partitions
from store import ingest_log, instruments, trades, writer
from store.ingest_log import IngestState
from tests.assets.tape import DAY_NS, FIRST, SYMBOLS, Tape, day_ns
from venues.errors import VenueCode
from venues.source import Request

DAY = FIRST.isoformat()
SPAN = (day_ns(FIRST), day_ns(FIRST) + DAY_NS)


def told(tape, life):
    return next(tape.fetch(Request(Dataset.TRADES, life, *SPAN)))


class Night:
    """A venue, what was heard of it live, and the seal."""

    def __init__(self, client) -> None:
        self.client, self.tape = client, Tape(trades_a_day=2_000)
        self.lives = instruments.record(client, self.tape.instruments(SYMBOLS))
        self.instance = dg.DagsterInstance.ephemeral()
        days = partitions.daily(FIRST)
        self.definitions = dg.Definitions(
            assets=[*seal.build("binance", SYMBOLS, days), *ingest.build("binance", SYMBOLS, days)],
            executor=dg.in_process_executor, resources={"clickhouse": ClickHouse(), "sources": self.tape},
        )

    def hear(self, life, *, without=(), **changes) -> None:
        """The day as the flow writes it, without the rows at these places."""
        heard = told(self.tape, life).with_columns(source=pl.lit("live"), ts_known=pl.col("ts_event") + 4_000_000)
        heard = heard.with_row_index("at").filter(~pl.col("at").is_in(list(without)))
        for name, (place, value) in changes.items():
            heard = heard.with_columns(pl.when(pl.col("at") == place).then(value).otherwise(name).alias(name))
        writer.insert(self.client, "trades", heard.drop("at").with_columns(pl.col("side").cast(pl.Int8)))

    def run(self, name="trades_sealed", *, recheck=False):
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance, partition_key=DAY, asset_selection=[dg.AssetKey(["binance", name])],
            run_config={"ops": {f"binance__{name}": {"config": {"recheck": recheck}}}}, raise_on_error=False,
        )

    def metadata(self, result) -> dict:
        (event,) = result.asset_materializations_for_node("binance__trades_sealed")
        return {name: value.value for name, value in event.metadata.items()}

    def details(self) -> list[str]:
        return [row[0] for row in self.client.query(
            "SELECT detail FROM ingest_log WHERE dataset = 'trades' ORDER BY ts_stored, instrument"
        ).result_rows]

    def rows(self, source) -> int:
        return self.client.command(f"SELECT count() FROM trades WHERE source = '{source}'")  # noqa: S608 - a test's


@pytest.fixture
def night(clickhouse) -> Night:
    return Night(clickhouse)


@pytest.mark.stack
def test_three_holes_are_found_filled_and_measured(night):
    night.hear(night.lives[0], without=(10, 500, 501))
    night.hear(night.lives[1])
    result = night.run()
    assert result.success
    shown = night.metadata(result)
    assert (shown["loss_ppm"], shown["holes_filled"]) == (1_500, 3)
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.severity.value) == ("loss", False, "WARN")
    assert night.rows("binance-rest") == 3
    assert trades.read(night.client, [1, 2], *SPAN).height == 4_000
    assert ingest_log.states(night.client, "trades", "binance", FIRST, date.max)[1, FIRST] is IngestState.COMPLETE
    assert "sealed loss_ppm=1500 heard=1997 lost=3 differing=0 unknown=0" in night.details()
    assert "sealed loss_ppm=0 heard=2000 lost=0 differing=0 unknown=0" in night.details()


@pytest.mark.stack
def test_twice_is_once_also_when_checked_again_and_the_ingest_keeps_the_day(night):
    night.hear(night.lives[0], without=(10, 500, 501))
    night.hear(night.lives[1])
    night.run()
    before, asked = night.details(), len(night.tape.asked)
    assert night.run().success
    assert len(night.tape.asked) == asked
    again = night.run(recheck=True)
    assert night.metadata(again)["loss_ppm"] == 1_500
    assert night.details() == before
    assert night.rows("binance-rest") == 3
    asked = len(night.tape.asked)
    assert night.run("trades").success
    assert len(night.tape.asked) == asked


@pytest.mark.stack
def test_a_value_that_the_venue_tells_otherwise_is_a_revision_and_said(night):
    night.hear(night.lives[0], price=(7, 1))
    result = night.run()
    assert result.success
    (event,) = result.asset_materializations_for_node("binance__trades_sealed")
    row = event.metadata["instruments"].records[0].data
    assert row["differing"] == 1
    assert "price 1 -> " in row["first_differing"]
    assert trades.read(night.client, [1], *SPAN)["price"][7] != 1
    assert not result.get_asset_check_evaluations()[0].passed


@pytest.mark.stack
def test_a_venue_that_does_not_answer_leaves_the_day_open_and_the_others_sealed(night):
    def breaks(rows):
        if rows["instrument"][0] == 1:
            raise TickhouseError(VenueCode.VENUE_UNREACHABLE, venue="binance")
        return rows

    night.hear(night.lives[0])
    night.hear(night.lives[1])
    night.tape.faults["trades"] = breaks
    assert not night.run().success
    found = ingest_log.states(night.client, "trades", "binance", FIRST, date.max)
    assert found == {(2, FIRST): IngestState.COMPLETE}
    night.tape.faults.clear()
    assert night.run().success
    assert night.rows("binance-rest") == 0


@pytest.mark.stack
def test_quotes_are_measured_and_never_called_whole(night):
    times = np.arange(SPAN[0], SPAN[1], DAY_NS // 1_000)
    writer.insert(night.client, "quotes", pl.DataFrame({
        "instrument": np.full(len(times), 1, np.uint32), "ts_event": times, "ts_recv": times,
        "seq": np.arange(len(times)), "bid_price": 1, "bid_qty": 1, "ask_price": 2, "ask_qty": 1,
    }).with_columns(source=pl.lit("live")))
    assert night.run().success
    (row,) = night.client.query(
        "SELECT toString(state), rows, detail FROM ingest_log WHERE dataset = 'quotes'"
    ).result_rows
    assert row == ("partial", 1_000, "live holes=0 backwards=0 silence_s=86.4")
    night.run()
    assert night.client.command("SELECT count() FROM ingest_log WHERE dataset = 'quotes'") == 1


def frame(*rows):
    return pl.DataFrame(rows, schema=["trade_id", "ts_event", "price", "qty", "side"], orient="row")


def test_hours_before_the_first_heard_trade_are_no_loss_but_no_coverage():
    said = frame(*((number, number * 10, 5, 1, 1) for number in range(10)))
    heard = said.slice(4, 5).filter(pl.col("trade_id") != 6)
    found = seal_compare.trades(heard, said)
    assert (found.told, found.heard, found.lost, found.unknown) == (10, 4, 1, 0)
    assert found.loss_ppm == 200_000
    assert found.coverage == pytest.approx(0.4)


def test_nothing_heard_and_nothing_told():
    empty = frame((1, 1, 1, 1, 1)).clear()
    assert seal_compare.trades(empty, empty) == seal_compare.Trades(0, 0, 0, (), 0, 0)
    assert seal_compare.trades(frame((1, 1, 1, 1, 1)), empty).unknown == 1


def test_holes_between_packets_are_counted_not_levels_of_one():
    rows = pl.DataFrame(
        [(1, 1, 5), (1, 1, 5), (2, 6, 8), (3, 10, 12), (4, 13, 13), (5, 11, 12)],
        schema=["ts_recv", "first_seq", "last_seq"], orient="row",
    )
    found = seal_compare.updates(rows, "first_seq", "last_seq")
    assert (found.rows, found.holes, found.backwards) == (6, 1, 1)

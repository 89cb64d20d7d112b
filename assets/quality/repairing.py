"""A repair: missing bars of some days rebuilt from finer data, written as known from now on, and told in the log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from assets.ingest import wanted
from assets.ingest.feeds import Subject
from infra.errors import TickhouseError
from market.dataset import INTERVALS, Dataset, label
from quality import gate, record, suites
from quality.errors import QualityCode
from quality.frames import DAY_NS, rebuilt, with_day
from quality.repair import bars as rebuild
from quality.rule import Context, Severity
from store import datasets, ingest_log, instruments, reader
from store.errors import StoreCode
from store.ingest_log import IngestEntry, IngestState
from venues import facts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.ingest.wanted import Wanted
    from market.instrument import Instrument

_ANY = ("partial", "missing", "quarantined")


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for."""

    venue: str
    symbol: str
    dataset: str        # as the ingest log calls it: "bars", "bars_1h"
    days: Sequence[date]
    rebuild_from: str   # "trades", or the name of shorter bars: "bars", "bars_5m"
    replace: bool = False  # also bars that differ from the rebuilt ones


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of a day."""

    instrument: int
    day: date
    bars: int           # written
    state: IngestState  # after it


def interval(name: str) -> int:
    """Seconds of the bars that the ingest log calls so; REPAIR_IMPOSSIBLE for a name that is not of bars."""
    for seconds in INTERVALS:
        if label(Dataset.BARS, seconds) == name:
            return seconds
    raise TickhouseError(QualityCode.REPAIR_IMPOSSIBLE, dataset=name, problem="only bars can be rebuilt")


def repair(client: Client, order: Order, run_id: str) -> list[Repaired]:
    """What became of each day; days that lack nothing are left alone. REPAIR_IMPOSSIBLE before anything is written."""
    interval_s = interval(order.dataset)
    finer_s = 0 if order.rebuild_from == str(Dataset.TRADES) else interval(order.rebuild_from)
    if finer_s >= interval_s or (finer_s and interval_s % finer_s) or interval_s > 86_400:
        raise TickhouseError(
            QualityCode.REPAIR_IMPOSSIBLE, dataset=order.dataset, rebuild_from=order.rebuild_from,
            problem="the bars to rebuild from must divide those to repair, of a day at most",
        )
    subject = Subject(Dataset.BARS, interval_s)
    asked = wanted.of_symbols([subject], instruments.load(client), order.venue, [order.symbol], order.days)
    found = [(one, day, *_rebuilt(client, order, one.life, day, finer_s)) for one in asked for day in one.days]
    if not found:
        raise TickhouseError(
            QualityCode.REPAIR_IMPOSSIBLE, symbol=order.symbol, first=order.days[0], problem="not listed on these days"
        )
    return [_publish(client, order, one, day, held, new, run_id) for one, day, held, new in found]


def _rebuilt(
    client: Client, order: Order, life: Instrument, day: date, finer_s: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The day's bars as held, and those to write."""
    interval_s = interval(order.dataset)
    start = calendar.start_ns(day)
    held = datasets.read(client, Dataset.BARS, [life.id], start, start + DAY_NS, allow=_ANY, interval_s=interval_s)
    source = f"repaired:{order.rebuild_from}" if finer_s else "repaired:trades"
    try:
        if not finer_s:
            trades = datasets.read(client, Dataset.TRADES, [life.id], start, start + DAY_NS)
            new, whole = rebuild.from_trades(held, trades, interval_s, source), rebuilt(trades, interval_s, source)
        else:
            finer = datasets.read(client, Dataset.BARS, [life.id], start, start + DAY_NS, interval_s=finer_s)
            # The day is whole in the log: bars that are absent are silence, by the venue's habit or proved by trades.
            new = rebuild.from_bars(held, finer, interval_s, source, silent=_silent(client, order, life, day))
            whole = rebuild.from_bars(held.clear(), finer, interval_s, source, silent=True)
    except TickhouseError as error:
        if error.code is not StoreCode.DATA_NOT_COMPLETE:
            raise
        raise TickhouseError(
            QualityCode.REPAIR_IMPOSSIBLE, instrument=life.id, day=day, rebuild_from=order.rebuild_from,
            problem="not whole",
        ) from error
    return held, pl.concat([new, rebuild.differing(held, whole)]) if order.replace else new


def _silent(client: Client, order: Order, life: Instrument, day: date) -> bool:
    """Whether the log says that the finer bars are whole with minutes left out."""
    entry = _entry(client, order.rebuild_from, life, day)
    return bool(entry) and "silent_minutes" in str(entry[0]["detail"])


def _publish(
    client: Client, order: Order, one: Wanted, day: date, held: pl.DataFrame, new: pl.DataFrame, run_id: str
) -> Repaired:
    life = one.life
    before = ingest_log.states(client, order.dataset, life.venue, day, day + timedelta(days=1)).get((life.id, day))
    if new.is_empty():
        return Repaired(life.id, day, 0, before or IngestState.MISSING)
    now = time.time_ns()
    # Known from now on, though its bar closed long ago: a reading as of an earlier moment stays as it was.
    written = datasets.write(client, Dataset.BARS, new.with_columns(ts_known=pl.lit(now)), now)
    after = with_day(pl.concat([held.join(new, on=["instrument", "ts_event"], how="anti"), new]).sort("ts_event"))
    context = Context(life, facts.of(life.venue), one.subject.interval_s, listed_ns=one.since)
    days = pl.DataFrame({"instrument": [life.id], "day": [day]}, schema={"instrument": pl.UInt32, "day": pl.Date})
    verdict = gate.judge(suites.get(Dataset.BARS, context), after, days)
    worst = verdict.worst(life.id, day)
    state = {Severity.ERROR: IngestState.QUARANTINED, Severity.WARNING: IngestState.PARTIAL}.get(
        worst or Severity.INFO, IngestState.COMPLETE
    )
    record.findings(client, order.dataset, life.venue, verdict.findings, run_id)
    ingest_log.record(client, [IngestEntry(
        order.dataset, life.venue, life.id, day, state, after.height, ingest_log.content_hash(after.drop("day")),
        str(new["source"][0]), run_id, f"repaired from={order.rebuild_from} bars={new.height}",
    )])
    return Repaired(life.id, day, written, state)


def _entry(client: Client, dataset: str, life: Instrument, day: date) -> list[dict[str, object]]:
    return reader.query(
        client,
        "SELECT argMax(detail, ts_stored) AS detail FROM ingest_log WHERE dataset = {dataset:String}"
        " AND venue = {venue:String} AND instrument = {instrument:UInt32} AND day = {day:Date}",
        {"dataset": dataset, "venue": life.venue, "instrument": life.id, "day": day},
    ).to_dicts()

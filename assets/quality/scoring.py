"""Scores of a range of days, read from the ingest log and the verdicts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from assets.ingest import wanted
from quality import suites
from quality.frames import DAY_NS
from quality.rule import Context
from quality.scores import PROMISE_S, InstrumentDay, Score, score
from store import reader, writer
from store.ingest_log import IngestState
from venues import facts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.quality.targets import Target
    from market.instrument import Instrument

_SILENT = re.compile(r"silent_minutes=(\d+)")
_LACKING = re.compile(r"_missing=(\d+)")
_LOG = (
    "SELECT instrument, day, toInt8(argMax(state, ts_stored)) AS state, argMax(rows, ts_stored) AS rows,"
    " argMax(detail, ts_stored) AS detail, min(ts_stored) AS asked, minIf(ts_stored, log.state IN (1, 2)) AS whole"
    " FROM ingest_log AS log WHERE venue = {venue:String} AND dataset = {dataset:String}"
    " AND day >= {first:Date} AND day <= {last:Date} GROUP BY instrument, day"
)
_ACCUSED = (
    "SELECT instrument, day, max(failing) AS failing FROM ("
    "SELECT instrument, day, check_name, argMax(failing_rows, ts_stored) AS failing FROM quality_results"
    " WHERE venue = {venue:String} AND dataset = {dataset:String} AND severity = 3"
    " AND day >= {first:Date} AND day <= {last:Date} GROUP BY instrument, day, check_name"
    ") GROUP BY instrument, day"
)
_MISSING = (
    "SELECT instrument, day, argMax(observed, ts_stored) AS observed FROM quality_results"
    " WHERE venue = {venue:String} AND dataset = {dataset:String} AND endsWith(check_name, '_missing')"
    " AND day >= {first:Date} AND day <= {last:Date} GROUP BY instrument, day"
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A dataset's score on a day."""

    dataset: str
    venue: str
    day: date
    score: Score


def scores(
    client: Client, targets: Sequence[Target], lives: Sequence[Instrument], days: Sequence[date]
) -> Iterator[Scored]:
    """A score for each dataset and day; of a dataset that two assets bring in, one over the symbols of both."""
    together: dict[tuple[str, str], list[Target]] = defaultdict(list)
    for target in targets:
        together[target.venue, target.subject.label].append(target)
    for (venue, dataset), same in together.items():
        symbols = {life.symbol for life in lives if life.venue == venue}
        names = [symbol for target in same for symbol in target.symbols if symbol in symbols]
        parameters = {"venue": venue, "dataset": dataset, "first": days[0], "last": days[-1]}
        log = _by_day(client, _LOG, parameters)
        accused = _by_day(client, _ACCUSED, parameters)
        missing = _by_day(client, _MISSING, parameters)
        found: dict[date, list[InstrumentDay]] = {day: [] for day in days}
        for one in wanted.of_symbols([same[0].subject], lives, venue, list(dict.fromkeys(names)), days):
            context = Context(one.life, facts.of(venue), one.subject.interval_s, listed_ns=one.since)
            expected = suites.get(one.subject.dataset, context).expected_rows
            for day in one.days:
                key = (one.life.id, day)
                found[day].append(_day(
                    day, log.get(key), _int(accused.get(key, {}).get("failing", 0)),
                    str(missing.get(key, {}).get("observed", "")), expected(calendar.start_ns(day)),
                ))
        yield from (Scored(dataset, venue, day, score(found[day])) for day in days)


def write(client: Client, scored: Sequence[Scored], run_id: str) -> int:
    """Number of scores written; the latest of a dataset and day stands."""
    return writer.insert(client, "quality_scores", pl.DataFrame([
        {
            "dataset": one.dataset, "venue": one.venue, "day": one.day, "completeness": one.score.completeness,
            "accuracy": one.score.accuracy, "timeliness": one.score.timeliness,
            "instruments": one.score.instruments, "rows": one.score.rows, "expected_rows": one.score.expected_rows,
            "run_id": run_id,
        }
        for one in scored
    ]))


def _day(
    day: date, entry: dict[str, object] | None, accused: int, observed: str, expected: int
) -> InstrumentDay:
    if entry is None:
        return InstrumentDay(IngestState.MISSING, 0, expected, 0, 0, on_time=False)
    silent = _SILENT.search(str(entry["detail"]))
    lacking = _LACKING.search(observed)
    # A day that is asked for years later is a backfill: its promise runs from then on.
    due = max(calendar.start_ns(day) + DAY_NS, _int(entry["asked"])) + PROMISE_S * 10**9
    whole = _int(entry["whole"])
    return InstrumentDay(
        IngestState(_int(entry["state"])), _int(entry["rows"]), max(expected - (int(silent[1]) if silent else 0), 0),
        int(lacking[1]) if lacking else 0, accused, on_time=0 < whole <= due,
    )


def _int(value: object) -> int:
    return int(value)  # type: ignore[call-overload, no-any-return]  # a column of integers


def _by_day(
    client: Client, sql: str, parameters: dict[str, object]
) -> dict[tuple[int, date], dict[str, object]]:
    frame = reader.query(client, sql, parameters).with_columns(pl.col("day").cast(pl.Date))
    return {(row["instrument"], row["day"]): row for row in frame.iter_rows(named=True)}

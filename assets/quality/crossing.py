"""One instrument's days held against other data: what is read, which checks run, and what follows for the days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from assets.quality.pending import CHECKED, Day, warned
from market.dataset import INTERVALS, Dataset, label
from quality.cross import (
    bar_stamp,
    bars_against_trades,
    cross_venue,
    funding_grid,
    intervals,
    mark_price,
    silent_minutes,
    symbol_reuse,
    volume_against_trades,
)
from quality.cross.look import Look, judged
from quality.frames import DAY_NS
from quality.gate import Finding
from quality.rule import Severity
from store import adjustments, datasets, ingest_log, reader
from store.ingest_log import IngestEntry, IngestState
from venues import facts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.quality.targets import Target
    from market.instrument import Instrument

GAPS = {"bars_missing"}  # the warnings that silence explains
_READABLE = ("partial", "quarantined", "missing")


@dataclass(frozen=True, slots=True)
class Crossed:
    """What became of an instrument's days."""

    findings: tuple[Finding, ...]
    entries: tuple[IngestEntry, ...]


class Crossing:
    """One run over one target: reads through the store, a day at a time."""

    def __init__(self, client: Client, target: Target, lives: Sequence[Instrument], run_id: str) -> None:
        self._client = client
        self._target = target
        self._lives = {life.id: life for life in lives}
        self._run_id = run_id
        self._label = target.subject.label
        self._span = (date.min, date.min)  # of the days at hand, their end excluded
        self._states: dict[tuple[str, str], dict[tuple[int, date], IngestState]] = {}

    def instrument(self, days: Sequence[Day]) -> Crossed:
        """Verdicts on `days` of one instrument, and the days whose state they change."""
        life = self._lives[days[0].instrument]
        self._span, self._states = (days[0].day, days[-1].day + timedelta(days=1)), {}
        looks: list[Look] = []
        beside: dict[date, list[str]] = {}
        for one in days:
            found, used = self._day(life, one.day)
            looks += found
            beside[one.day] = used
        findings = judged(looks)
        marks = [
            Finding(CHECKED, Severity.INFO, life.id, one.day, 0, " ".join(beside[one.day]) or "nothing to compare with",
                    "held against all data there is")
            for one in days
        ]
        return Crossed((*findings, *marks), tuple(self._changes(life, days, findings)))

    def _changes(self, life: Instrument, days: Sequence[Day], findings: Sequence[Finding]) -> Iterable[IngestEntry]:
        earlier = warned(self._client, self._label, life.venue, life.id, days[0].day, days[-1].day)
        for one in days:
            here = [f for f in findings if f.day == one.day]
            grave = [f.rule for f in here if not f.passed and f.severity is Severity.ERROR]
            if grave:
                yield one.entry(self._label, life.venue, IngestState.QUARANTINED, self._run_id,
                                f"cross={','.join(grave)}")
                continue
            verified = any(f.rule == silent_minutes.RULE.name and f.passed for f in here)
            again = {f.rule for f in here}
            open_warnings = {name for name in earlier.get(one.day, set()) if name not in again}
            open_warnings |= {f.rule for f in here if not f.passed and f.severity is Severity.WARNING}
            if one.state is IngestState.PARTIAL and verified and open_warnings == GAPS:
                silent = self._silent(life, one)
                yield one.entry(self._label, life.venue, IngestState.COMPLETE, self._run_id, f"silent_minutes={silent}")

    def _silent(self, life: Instrument, day: Day) -> int:
        """Bars of the grid that are not there: by the trades nothing happened in them."""
        wanted = DAY_NS // (self._target.subject.interval_s * 10**9)
        start = calendar.start_ns(day.day)
        lived = min(start + DAY_NS, life.valid_to or start + DAY_NS) - max(start, life.listed)
        return max(wanted * lived // DAY_NS - day.rows, 0)

    def _day(self, life: Instrument, day: date) -> tuple[list[Look], list[str]]:
        """The checks that can be made on this day, and what they were made with."""
        days = pl.DataFrame({"instrument": [life.id], "day": [day]}, schema={"instrument": pl.UInt32, "day": pl.Date})
        known = facts.of(life.venue)
        rows = self._read(self._target.subject.dataset, life, day, self._target.subject.interval_s)
        if self._target.subject.dataset is Dataset.FUNDING_RATES:
            return self._funding(life, day, rows, days)
        interval_s = self._target.subject.interval_s
        looks = [self._reuse(pl.concat([self._before(life, day), rows]), days)]
        used = []
        if self._whole(Dataset.TRADES, life, day):
            trades = self._read(Dataset.TRADES, life, day)
            used.append(f"trades={trades.height}")
            looks += [
                bars_against_trades.look(rows, trades, days, interval_s, known),
                volume_against_trades.look(rows, trades, days, interval_s),
                bar_stamp.look(rows, trades, days, interval_s),
                silent_minutes.look(rows, trades, days, interval_s),
            ]
        if lower := self._finer(life, day):
            used.append(f"bars={INTERVALS.get(lower, lower)}")
            looks += intervals.look(rows, self._read(Dataset.BARS, life, day, lower), days, interval_s)
        others = self._elsewhere(life, day)
        if others:
            used.append(f"venues={len(others)}")
            looks += cross_venue.look(_priced(rows, life), others, days)
        return looks, used

    def _reuse(self, bars: pl.DataFrame, days: pl.DataFrame) -> Look:
        """A jump that a declared redenomination explains is none."""
        look = symbol_reuse.look(bars, days)
        return look if look.wrong.is_empty() else symbol_reuse.look(adjustments.apply(self._client, bars), days)

    def _funding(
        self, life: Instrument, day: date, rows: pl.DataFrame, days: pl.DataFrame
    ) -> tuple[list[Look], list[str]]:
        start = calendar.start_ns(day)
        # A day has too few settlements to tell a zone.
        around = datasets.read(self._client, Dataset.FUNDING_RATES, [life.id], start - 4 * DAY_NS, start + 5 * DAY_NS,
                               allow=_READABLE)
        looks, used = [funding_grid.look(around, days, facts.of(life.venue))], [f"settlements={around.height}"]
        if self._whole(Dataset.BARS, life, day):
            bars = self._read(Dataset.BARS, life, day)
            used.append("bars=1m")
            looks.append(mark_price.look(rows, bars, days))
        return looks, used

    def _finer(self, life: Instrument, day: date) -> int:
        """The finest shorter interval that is whole that day and divides ours, 0 for none."""
        own = self._target.subject.interval_s
        if own > 86_400:
            return 0
        fits = [one for one in sorted(INTERVALS) if one < own and own % one == 0]
        return next((one for one in fits if self._whole(Dataset.BARS, life, day, one)), 0)

    def _elsewhere(self, life: Instrument, day: date) -> list[pl.DataFrame]:
        interval_s = self._target.subject.interval_s
        found = []
        for other in self._lives.values():
            same = (other.base, other.quote, other.kind) == (life.base, life.quote, life.kind)
            if same and other.venue != life.venue and self._whole(Dataset.BARS, other, day, interval_s):
                found.append(_priced(self._read(Dataset.BARS, other, day, interval_s), other))
        return found

    def _before(self, life: Instrument, day: date) -> pl.DataFrame:
        """The last bar before the day, however long ago."""
        start = calendar.start_ns(day)
        found = reader.query(
            self._client,
            "SELECT max(ts_event) AS last FROM bars WHERE instrument = {instrument:UInt32}"
            " AND interval_s = {interval_s:UInt32} AND ts_event < fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')",
            {"instrument": life.id, "interval_s": self._target.subject.interval_s, "start_ns": start},
        )["last"][0]
        if not found:
            return self._read(Dataset.BARS, life, day, self._target.subject.interval_s).clear()
        return datasets.read(self._client, Dataset.BARS, [life.id], found, found + 1, allow=_READABLE,
                             interval_s=self._target.subject.interval_s)

    def _whole(self, dataset: Dataset, life: Instrument, day: date, interval_s: int = 60) -> bool:
        """Whether the ingest log calls the day complete or empty."""
        name = (label(dataset, interval_s), life.venue)
        if name not in self._states:
            self._states[name] = ingest_log.states(self._client, *name, self._span[0], self._span[1])
        return self._states[name].get((life.id, day)) in {IngestState.COMPLETE, IngestState.VERIFIED_EMPTY}

    def _read(self, dataset: Dataset, life: Instrument, day: date, interval_s: int = 60) -> pl.DataFrame:
        start = calendar.start_ns(day)
        return datasets.read(
            self._client, dataset, [life.id], start, start + DAY_NS, allow=_READABLE, interval_s=interval_s
        )


def _priced(bars: pl.DataFrame, life: Instrument) -> pl.DataFrame:
    return bars.with_columns(price=pl.col("close") / 10.0**life.price_scale)

"""One instrument's days held against other data: what is read, which checks run, and what follows for the days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from assets.ingest import days as calendar
from assets.quality.pending import CHECKED, Day, warned
from assets.quality.shelf import Shelf
from market.dataset import INTERVALS, Dataset
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
from store import adjustments
from store.ingest_log import IngestEntry, IngestState
from venues import facts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.quality.targets import Target
    from market.instrument import Instrument

GAPS = {"bars_missing"}  # the warnings that silence explains
_AROUND = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Crossed:
    """Verdicts, and the days whose state they change."""

    findings: tuple[Finding, ...]
    entries: tuple[IngestEntry, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the checks saw of days of one instrument, before the library has judged it."""

    life: Instrument
    days: Sequence[Day]
    looks: tuple[Look, ...]
    beside: Mapping[date, str]  # what each day was held against


class Crossing:
    """One run over one target."""

    def __init__(self, client: Client, target: Target, lives: Sequence[Instrument], run_id: str) -> None:
        self._client = client
        self._subject = target.subject
        self._lives = {life.id: life for life in lives}
        self._run_id = run_id

    def look(self, days: Sequence[Day]) -> Looked:
        """The checks that can be made on `days` of one instrument."""
        life = self._lives[days[0].instrument]
        wanted = [one.day for one in days]
        made = self._bars if self._subject.dataset is Dataset.BARS else self._funding
        looks, beside = made(life, wanted)
        told = {day: " ".join(used) or "nothing to compare with" for day, used in beside.items()}
        return Looked(life, days, tuple(looks), told)

    def judge(self, looked: Sequence[Looked]) -> Crossed:
        """Verdicts on all of it: the library is asked once, which costs 0.2 s whatever the number of days."""
        found = judged([look for one in looked for look in one.looks])
        by_day: dict[tuple[int, date], list[Finding]] = {}
        for finding in found:
            by_day.setdefault((finding.instrument, finding.day), []).append(finding)
        marks = [
            Finding(CHECKED, Severity.INFO, one.life.id, day, 0, told, "held against all data there is")
            for one in looked for day, told in one.beside.items()
        ]
        entries = [entry for one in looked for entry in self._changes(one.life, one.days, by_day)]
        return Crossed((*found, *marks), tuple(entries))

    def _changes(
        self, life: Instrument, days: Sequence[Day], findings: Mapping[tuple[int, date], Sequence[Finding]]
    ) -> Iterable[IngestEntry]:
        name = self._subject.label
        earlier = warned(self._client, name, life.venue, life.id, days[0].day, days[-1].day)
        for one in days:
            here = findings.get((life.id, one.day), ())
            grave = [f.rule for f in here if not f.passed and f.severity is Severity.ERROR]
            if grave:
                yield one.entry(name, life.venue, IngestState.QUARANTINED, self._run_id,
                                f"cross={','.join(grave)}")
                continue
            verified = any(f.rule == silent_minutes.RULE.name and f.passed for f in here)
            again = {f.rule for f in here}
            open_warnings = {name for name in earlier.get(one.day, set()) if name not in again}
            open_warnings |= {f.rule for f in here if not f.passed and f.severity is Severity.WARNING}
            if one.state is IngestState.PARTIAL and verified and open_warnings == GAPS:
                silent = self._silent(life, one)
                yield one.entry(name, life.venue, IngestState.COMPLETE, self._run_id, f"silent_minutes={silent}")

    def _silent(self, life: Instrument, day: Day) -> int:
        """Bars of the grid that are not there: by the trades nothing happened in them."""
        wanted = DAY_NS // (self._subject.interval_s * 10**9)
        start = calendar.start_ns(day.day)
        lived = min(start + DAY_NS, life.valid_to or start + DAY_NS) - max(start, life.listed)
        return max(wanted * lived // DAY_NS - day.rows, 0)

    def _bars(self, life: Instrument, days: Sequence[date]) -> tuple[list[Look], dict[date, list[str]]]:
        interval_s = self._subject.interval_s
        shelf = Shelf(self._client, days[0], days[-1])
        bars = pl.concat([shelf.before(life, interval_s), shelf.span(Dataset.BARS, life, interval_s)])
        looks = [self._reuse(bars, _days(life, days))]
        beside: dict[date, list[str]] = {}
        for day in days:
            found, beside[day] = self._day(shelf, life, day)
            looks += found
        return looks, beside

    def _day(self, shelf: Shelf, life: Instrument, day: date) -> tuple[list[Look], list[str]]:
        """What the day's bars can be held against, and with what that was done."""
        days, interval_s = _days(life, [day]), self._subject.interval_s
        rows = shelf.day(Dataset.BARS, life, day, interval_s)
        looks: list[Look] = []
        used = []
        if shelf.whole(Dataset.TRADES, life, day):
            trades = shelf.day(Dataset.TRADES, life, day)
            used.append(f"trades={trades.height}")
            looks += [
                bars_against_trades.look(rows, trades, days, interval_s, facts.of(life.venue)),
                volume_against_trades.look(rows, trades, days, interval_s),
                bar_stamp.look(rows, trades, days, interval_s),
                silent_minutes.look(rows, trades, days, interval_s),
            ]
        if lower := self._finer(shelf, life, day):
            used.append(f"bars={INTERVALS.get(lower, lower)}")
            looks += intervals.look(rows, shelf.day(Dataset.BARS, life, day, lower), days, interval_s)
        others = self._elsewhere(shelf, life, day)
        if others:
            used.append(f"venues={len(others)}")
            looks += cross_venue.look(_priced(rows, life), others, days)
        return looks, used

    def _reuse(self, bars: pl.DataFrame, days: pl.DataFrame) -> Look:
        """A jump that a declared redenomination explains is none."""
        look = symbol_reuse.look(bars, days)
        return look if look.wrong.is_empty() else symbol_reuse.look(adjustments.apply(self._client, bars), days)

    def _funding(self, life: Instrument, days: Sequence[date]) -> tuple[list[Look], dict[date, list[str]]]:
        # A day has too few settlements to tell a zone.
        around = Shelf(self._client, days[0] - _AROUND, days[-1] + _AROUND).span(Dataset.FUNDING_RATES, life)
        shelf, known = Shelf(self._client, days[0], days[-1]), facts.of(life.venue)
        times = around["ts_event"]
        looks: list[Look] = []
        beside: dict[date, list[str]] = {}
        for day in days:
            first, end = (calendar.start_ns(one) for one in (day - _AROUND, day + _AROUND + timedelta(days=1)))
            place = int(times.search_sorted(first))
            near = around.slice(place, int(times.search_sorted(end)) - place)
            looks.append(funding_grid.look(near, _days(life, [day]), known))
            beside[day] = [f"settlements={near.height}"]
        told = bool((around["mark_price"] > 0).any())
        for day in (day for day in days if told and shelf.whole(Dataset.BARS, life, day)):
            beside[day].append("bars=1m")
            rows, bars = shelf.day(Dataset.FUNDING_RATES, life, day), shelf.day(Dataset.BARS, life, day)
            looks.append(mark_price.look(rows, bars, _days(life, [day])))
        return looks, beside

    def _finer(self, shelf: Shelf, life: Instrument, day: date) -> int:
        """The finest shorter interval that is whole that day and divides ours, 0 for none."""
        own = self._subject.interval_s
        if own > 86_400:
            return 0
        fits = [one for one in sorted(INTERVALS) if one < own and own % one == 0]
        return next((one for one in fits if shelf.whole(Dataset.BARS, life, day, one)), 0)

    def _elsewhere(self, shelf: Shelf, life: Instrument, day: date) -> list[pl.DataFrame]:
        interval_s = self._subject.interval_s
        found = []
        for other in self._lives.values():
            same = (other.base, other.quote, other.kind) == (life.base, life.quote, life.kind)
            if same and other.venue != life.venue and shelf.whole(Dataset.BARS, other, day, interval_s):
                found.append(_priced(shelf.day(Dataset.BARS, other, day, interval_s), other))
        return found


def _days(life: Instrument, days: Sequence[date]) -> pl.DataFrame:
    return pl.DataFrame({"instrument": life.id, "day": days}, schema={"instrument": pl.UInt32, "day": pl.Date})


def _priced(bars: pl.DataFrame, life: Instrument) -> pl.DataFrame:
    return bars.with_columns(price=pl.col("close") / 10.0**life.price_scale)

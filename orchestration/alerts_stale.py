"""Freshness by instrument: whose newest whole day lies before the one that must be whole by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2s
from typing import TYPE_CHECKING

from assets.coverage_grid import name_of
from assets.ingest import subjects
from orchestration.alerts_found import Alert, Kind, Link, Table
from store import reader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from clickhouse_connect.driver.client import Client

    from venues.catalogue import Catalogue

GRACE = timedelta(hours=3)   # after midnight UTC: until then the nightly ingest may still run
REPEATED = timedelta(days=7)  # that long it is said anew each day; what rests longer is known
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Stale:
    """Instruments of one dataset of a venue that are behind; `rows` are (id, symbol, last whole day)."""

    venue: str
    dataset: str
    expected: date
    rows: tuple[tuple[int, str, date], ...]

    def keys(self) -> list[str]:
        """One an instrument and lag, short: the sensor's cursor keeps what has been told."""
        return [self._key(*row) for row in self.rows]

    def _key(self, number: int, _symbol: str, last: date) -> str:
        # The expected day is in the key: what stays stale is said again the next day, for a while.
        again = self.expected if self.expected - last <= REPEATED else ""
        told = f"{self.venue} {self.dataset} {number} {last} {again}"
        return "stale " + blake2s(told.encode(), digest_size=8).hexdigest()


def expected_day(now: datetime, lag: timedelta = timedelta()) -> date:
    """The last day that must be whole by `now` where its source gives it `lag` after its end."""
    return (now - GRACE - lag).date() - timedelta(days=1)


def lags(catalogue: Catalogue) -> dict[tuple[str, str], timedelta]:
    """How long after a day's end its history may come, by venue and dataset, where config/sources.toml tells."""
    out: dict[tuple[str, str], timedelta] = {}
    told = [(entry.venue, subject, entry.lag_s) for entry in catalogue.files for subject in subjects.of_files(entry)]
    # Of a series the lag counts from the value's time, which is its day's start at the earliest.
    told += [("series", subject, max(0, entry.publication_lag_s - 86_400))
             for entry in catalogue.index for subject in subjects.of_index(entry)]
    for venue, subject, seconds in told:
        key = (venue, subject.label)
        out[key] = max(out.get(key, timedelta()), timedelta(seconds=seconds))
    return out


def stale(client: Client, now: datetime, late: Mapping[tuple[str, str], timedelta] | None = None) -> list[Stale]:
    """Datasets of living instruments whose newest whole day is before the expected one.

    What was never whole is not stale: nobody may want it, or why it is not whole has been told already.
    """
    frame = reader.query(
        client,
        "SELECT venue, dataset, instrument, if(instrument = 0, 'whole market', symbol) AS name,"
        " toString(newest) AS last FROM ("
        " SELECT venue, dataset, instrument, maxIf(day, final IN ('complete', 'verified_empty')) AS newest FROM ("
        "  SELECT venue, dataset, instrument, day, argMax(state, ts_stored) AS final FROM ingest_log"
        "  GROUP BY venue, dataset, instrument, day)"
        " GROUP BY venue, dataset, instrument HAVING newest > toDate(0) AND newest < {latest:Date}) AS held"
        " LEFT JOIN (SELECT id, any(symbol) AS symbol FROM instruments"
        "  GROUP BY id HAVING argMax(valid_to, (ts_known, ts_stored)) = toDateTime64(0, 9, 'UTC')) AS lives"
        " ON lives.id = held.instrument WHERE instrument = 0 OR symbol != '' ORDER BY venue, dataset, newest, name",
        {"latest": expected_day(now)},
    )
    groups: dict[tuple[str, str], list[tuple[int, str, date]]] = {}
    for venue, dataset, instrument, name, last in frame.iter_rows():
        day = date.fromisoformat(last)
        if day < expected_day(now, (late or {}).get((venue, dataset), timedelta())):
            groups.setdefault((venue, dataset), []).append((instrument, name, day))
    return [
        Stale(venue, dataset, expected_day(now, (late or {}).get((venue, dataset), timedelta())), tuple(rows))
        for (venue, dataset), rows in groups.items()
    ]


def news(found: Iterable[Stale], told: Collection[str], busy: Collection[str]) -> tuple[list[Stale], set[str]]:
    """What is to be said now, and the keys that are told with it or still last.

    A dataset whose venue is being ingested (`busy`) is left alone: the run may be about to mend it.
    """
    said, lasting = [], set()
    for one in found:
        keys = set(one.keys())
        old = keys & set(told)
        if one.venue in busy:
            lasting |= old
            continue
        lasting |= keys
        if keys - old:
            said.append(one)
    return said, lasting


def alert(one: Stale, assets: Collection[tuple[str, ...]] = ()) -> Alert:
    """The instruments of the dataset that are behind, those furthest behind first; cut with a count."""
    rows = tuple((name, last.isoformat(), str((one.expected - last).days)) for _, name, last in one.rows[:SHOWN])
    count = len(one.rows)
    who = one.rows[0][1] if count == 1 else f"{count} instruments"
    since = f"nothing whole after {min(last for _, _, last in one.rows)}"
    return Alert(
        Kind.STALE, "WARN", f"{name_of(one.venue, one.dataset)}: {who}, {since}",
        f"the day that must be whole by now is {one.expected}", links=_links(one, assets),
        tables=(Table("instruments behind", ("instrument", "last whole day", "days behind"), rows, count),),
        path=_links(one, assets)[0].path, brief=f"{name_of(one.venue, one.dataset)} stale: {who}, {since}",
    )


def _links(one: Stale, assets: Collection[tuple[str, ...]]) -> tuple[Link, ...]:
    """The dataset's asset where its name tells which it is, else the grid of all."""
    usual = {"bars": "bars_1m", "funding_rates": "funding"}
    asset = (one.venue, usual.get(one.dataset, one.dataset))
    if asset in assets:
        return (Link("/".join(asset), "/assets/" + "/".join(asset)),)
    return (Link("coverage", "/assets/coverage"),)

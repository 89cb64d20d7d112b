"""Coverage grids from the ingest log and the lives of instruments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assets.coverage_errors import CoverageCode
from assets.coverage_grid import Grid, Mark, Row
from infra.errors import TickhouseError
from market.lives import begins
from store import instruments, reader
from store.ingest_log import IngestState

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.coverage_grid import Hole, Marks
    from market.instrument import Instrument

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()
_DAY_NS = 86_400_000_000_000
_MARKS = {state: Mark[state.name] for state in IngestState}


def grids(
    client: Client, dataset: str = "", venue: str = "", since: date | None = None, until: date | None = None
) -> list[Grid]:
    """A grid for each venue and dataset of the ingest log, by name; [since, until] cuts or widens the days.

    Without them a grid reaches from the first to the last day that any of its instruments has an entry for. `dataset`
    takes what lies under it, too: `series` means `series/...`. COVERAGE_UNKNOWN where nothing is found for names that
    were given; without names the answer may be empty.
    """
    entries = _entries(client, since, until)
    chosen = [
        (key, part) for key, part in entries.partition_by("venue", "dataset", as_dict=True).items()
        if _matches(str(key[0]), str(key[1]), venue, dataset)
    ]
    if not chosen and (dataset or venue):
        known = sorted({f"{name}:{data}" for name, data in entries.select("venue", "dataset").unique().rows()})
        raise TickhouseError(CoverageCode.COVERAGE_UNKNOWN, dataset=dataset, venue=venue, known=",".join(known))
    lives = instruments.load(client)
    found = [_grid(str(key[1]), str(key[0]), part, lives, since, until) for key, part in chosen]
    return sorted(found, key=lambda grid: (grid.venue, grid.dataset))


def reasons(client: Client, grid: Grid, holes: Sequence[Hole]) -> list[str]:
    """For each hole what the newest verdicts on its first day accuse it of, "" where there is no verdict."""
    if not holes:
        return []
    frame = reader.query(
        client,
        "SELECT instrument, toString(day) AS name, arrayStringConcat(arraySort(groupArray(check_name)), ', ') AS rules"
        " FROM (SELECT instrument, day, check_name, argMax(passed, ts_stored) AS good,"
        "  argMax(severity, ts_stored) AS grade FROM quality_results"
        "  WHERE dataset = {dataset:String} AND venue = {venue:String} AND day IN {days:Array(Date)}"
        "  GROUP BY instrument, day, check_name)"
        " WHERE NOT good AND grade >= 'warning' GROUP BY instrument, day",
        {"dataset": grid.dataset, "venue": grid.venue, "days": sorted({hole.first for hole in holes})},
    )
    known = {(instrument, day): rules for instrument, day, rules in frame.iter_rows()}
    return [str(known.get((hole.row.instrument, hole.first.isoformat()), "")) for hole in holes]


def _matches(venue: str, dataset: str, wanted_venue: str, wanted: str) -> bool:
    return wanted_venue in ("", venue) and (wanted in ("", dataset) or dataset.startswith(f"{wanted}/"))


def _entries(client: Client, since: date | None, until: date | None) -> pl.DataFrame:
    """`venue, dataset, instrument, at, state`: the newest entry of each day, `at` days after 1970."""
    frame = reader.query(
        client,
        "SELECT venue, dataset, instrument, toInt32(toUInt16(day)) AS at, toInt8(argMax(state, ts_stored)) AS state"
        " FROM ingest_log WHERE day >= {since:Date} AND day <= {until:Date}"
        " GROUP BY venue, dataset, instrument, day",
        {"since": since or _EPOCH, "until": until or date(2149, 1, 1)},
    )
    return frame.with_columns(pl.col("venue", "dataset").cast(pl.String), pl.col("at").cast(pl.Int64))


def _grid(
    dataset: str, venue: str, entries: pl.DataFrame, lives: Sequence[Instrument], since: date | None, until: date | None
) -> Grid:
    days = entries["at"].to_numpy()
    first = _EPOCH + timedelta(days=int(days.min())) if since is None else since
    last = _EPOCH + timedelta(days=int(days.max())) if until is None else until
    here = [life for life in lives if life.venue == venue]
    logged = set(entries["instrument"].to_list())
    rows = sorted(_rows(logged, here), key=lambda row: (row.name, row.instrument))
    width, origin = (last - first).days + 1, (first - _EPOCH).days
    marks = np.full((len(rows), width), Mark.MISSING, np.uint8)
    for line, row in zip(marks, rows, strict=True):
        _not_due(line, row.instrument, here, origin)
    places = {row.instrument: at for at, row in enumerate(rows)}
    at = np.array([places[number] for number in entries["instrument"].to_list()], np.int64)
    lookup = np.zeros(max(IngestState) + 1, np.uint8)
    for state, mark in _MARKS.items():
        lookup[state] = mark
    marks[at, days - origin] = lookup[entries["state"].to_numpy()]
    never = sorted(life.symbol for life in here if not life.valid_to and life.id not in logged)
    # A market-wide dataset belongs to no instrument, so none can be forgotten.
    return Grid(dataset, venue, first, tuple(rows), marks, () if logged == {0} else tuple(never))


def _rows(logged: Collection[int], lives: Sequence[Instrument]) -> Iterator[Row]:
    by_id = {life.id: life for life in lives}
    lives_of = Counter(life.symbol for life in lives)
    for number in logged:
        life = by_id.get(number)
        if life is None:
            yield Row(number, "whole market" if number == 0 else f"instrument {number}")
        else:
            yield Row(number, life.symbol if lives_of[life.symbol] == 1 else f"{life.symbol} #{number}")


def _not_due(line: Marks, instrument: int, lives: Sequence[Instrument], origin: int) -> None:
    """Marks the days on which the life did not live."""
    life = next((one for one in lives if one.id == instrument), None)
    if life is None:
        return
    is_first = not any(one.symbol == life.symbol and one.valid_from < life.valid_from for one in lives)
    line[: max(0, begins(life, first=is_first) // _DAY_NS - origin)] = Mark.NOT_DUE
    if life.valid_to:
        line[max(0, -(-life.valid_to // _DAY_NS) - origin):] = Mark.NOT_DUE

"""Rows derived from trades day by day, the kernel's state carried from each day to the next.

Features and labels share this: the state at the end of a day is stored, the next day starts from it, and so a range
of days run at once, one by one or in several runs gives the same rows to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.errors import AssetCode
from assets.ingest import days as calendar
from infra.errors import TickhouseError
from market.dataset import Dataset
from market.events import Events
from store import features, reader, trades
from store.features import FeatureState

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

State = NDArray[Any]   # a kernel's
CHUNK_DAYS = 2  # of trades read at once


@dataclass(frozen=True, slots=True)
class Derivation:
    """How rows come from trades; `step` returns the new state and `instrument, ts_event, seq, ts_known, ...`."""

    name: str        # under which the state is stored
    version: int
    fresh: Callable[[int], State]
    restore: Callable[[int, bytes], State]   # from `state.tobytes()`
    step: Callable[[State, Events, int], tuple[State, pl.DataFrame]]
    write: Callable[[Client, pl.DataFrame], int]


@dataclass(frozen=True, slots=True)
class Derived:
    """What a day of an instrument gave."""

    instrument: int
    day: date
    trades: int
    rows: int
    changed: bool   # its end state is another than before, so days after it that are there rest on an old one


def run(client: Client, how: Derivation, instrument: int, days: Sequence[date]) -> Iterator[Derived]:
    """Derives the days in order, each run of days from the state before it; FEATURE_STATE_MISSING without one."""
    for span in calendar.chunks(days, len(days)):
        state = _state_before(client, how, instrument, span[0])
        for chunk in calendar.chunks(span, CHUNK_DAYS):
            end_ns = calendar.start_ns(chunk[-1]) + calendar.DAY_NS
            events = trades.events(client, [instrument], calendar.start_ns(chunk[0]), end_ns)
            state, done = _chunk(client, how, instrument, chunk, events, state)
            yield from done


def _chunk(
    client: Client, how: Derivation, instrument: int, days: list[date], events: Events, state: State
) -> tuple[State, list[Derived]]:
    cuts = np.searchsorted(events["ts_event"], [calendar.start_ns(day) for day in days[1:]])
    frames, states, done = [], [], []
    for day, part in zip(days, np.split(events, cuts), strict=True):
        state, rows = how.step(state, part, instrument)
        last = part[-1] if len(part) else None
        frames.append(rows)
        states.append(
            FeatureState(
                instrument, day, 0 if last is None else int(last["ts_event"]), 0 if last is None else int(last["seq"]),
                state.tobytes(),
            )
        )
        before = features.load_state(client, how.name, how.version, instrument, day + timedelta(days=1))
        changed = before is not None and before.day == day and before.state != state.tobytes()
        done.append(Derived(instrument, day, len(part), rows.height, changed))
    # Rows before states: a crash in between repeats the rows, which merge away, and loses none.
    how.write(client, pl.concat(frames))
    features.save_state(client, how.name, how.version, states)
    return state, done


def _state_before(client: Client, how: Derivation, instrument: int, day: date) -> State:
    held = features.load_state(client, how.name, how.version, instrument, day)
    if held is not None and held.day == day - timedelta(days=1):
        return how.restore(instrument, held.state)
    first = _first_day(client, instrument)
    if first is None or day <= first:
        return how.fresh(instrument)
    wanted = first if held is None else max(first, held.day + timedelta(days=1))
    raise TickhouseError(
        AssetCode.FEATURE_STATE_MISSING, group=how.name, instrument=instrument, day=day, first=wanted
    )


def days_after(client: Client, how: Derivation, instrument: int, day: date) -> int:
    """Number of later days that have a state."""
    frame = reader.query(
        client,
        "SELECT uniqExact(day) AS days FROM feature_state WHERE feature_group = {group:String}"
        " AND version = {version:UInt32} AND instrument = {instrument:UInt32} AND day > {day:Date}",
        {"group": how.name, "version": how.version, "instrument": instrument, "day": day},
    )
    return int(frame["days"][0])


def _first_day(client: Client, instrument: int) -> date | None:
    """The first day whose trades we have: there recursion begins."""
    frame = reader.query(
        client,
        "SELECT min(day) AS day, count() AS days FROM (SELECT day, argMax(state, ts_stored) AS state FROM ingest_log"
        " WHERE dataset = {dataset:String} AND instrument = {instrument:UInt32} GROUP BY day)"
        " WHERE state IN ('complete', 'verified_empty')",
        {"dataset": str(Dataset.TRADES), "instrument": instrument},
    )
    day, count = frame.select(pl.col("day").cast(pl.Date), "days").row(0)
    return day if count else None

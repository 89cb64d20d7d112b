"""What the history demo asks our own readers: rows, quarantine, grids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from infra.settings import load

if TYPE_CHECKING:
    import polars as pl

    from cli.demo.runner import Demo

_DAY_NS = 86_400_000_000_000
_INTERVAL_S = 300


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that was kept out."""

    reason: str
    file: str
    line: str


def count(table: str) -> int:
    """Rows of a table."""
    from store.clickhouse import connect

    with connect(load()) as client:
        return int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])  # noqa: S608 - a table of ours


def quarantined(venue: str, symbol: str, day: date) -> Quarantined:
    """Why the day was kept out: all reasons, the source and its own line; empty texts where nothing was."""
    from store.clickhouse import connect

    with connect(load()) as client:
        rows = client.query(
            "SELECT reason, source, payload FROM quarantine FINAL WHERE venue = {venue:String} AND day = {day:Date}"
            " AND instrument = {instrument:UInt32} ORDER BY reason",
            parameters={"venue": venue, "day": day, "instrument": _life(symbol)},
        ).result_rows
    reasons = ", ".join(dict.fromkeys(str(reason) for reason, _, _ in rows))
    return Quarantined(reasons, str(rows[0][1]) if rows else "", str(rows[0][2]) if rows else "")


def bars(symbol: str, day: date, as_of_ns: int | None = None) -> pl.DataFrame:
    """The day's 5-minute bars as known then."""
    from store import bars as table
    from store.clickhouse import connect

    start = _ns(day)
    with connect(load()) as client:
        return table.read(client, [_life(symbol)], start, start + _DAY_NS, _INTERVAL_S, as_of_ns)


def changed(then: pl.DataFrame, now: pl.DataFrame) -> int:
    """How many bars differ."""
    values = ["ts_event", "open", "high", "low", "close", "volume", "count"]
    return now.select(values).join(then.select(values), on=values, how="anti").height


def refusal(symbol: str, day: date, stored_by_ns: int) -> str:
    """What a reader says who asks for the day as it was stored then; "" where it answers."""
    from store import bars as table
    from store.clickhouse import connect

    start = _ns(day)
    with connect(load()) as client:
        try:
            table.read(client, [_life(symbol)], start, start + _DAY_NS, _INTERVAL_S, stored_by_ns=stored_by_ns)
        except TickhouseError as error:
            return str(error)
    return ""


def grid(demo: Demo, dataset: str) -> dict[str, int]:
    """Instrument days by state, drawn to the demo's console; states that do not occur are left out."""
    from cli.coverage import collect
    from cli.coverage_text import show

    grids, holes = collect(load(), dataset)
    show(demo.console, grids, holes, most=5)
    return {mark.name.lower(): number for mark, number in grids[0].counts().items() if number}


def _life(symbol: str) -> int:
    from store import instruments
    from store.clickhouse import connect

    with connect(load()) as client:
        return next(life.id for life in instruments.load(client) if life.symbol == symbol and not life.valid_to)


def _ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9

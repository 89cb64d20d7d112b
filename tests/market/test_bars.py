"""Bars: recorded trades rebuild recorded bars, chunks do not matter, disorder is said."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market import bars
from market.errors import MarketCode
from market.events import Events, Kind, empty

MS = 1_000_000
SECOND = 1_000_000_000
FIELDS = ("ts_event", "open", "high", "low", "close", "volume")
SCALE = 8


def trades(rows: list[tuple[int, int, int]], instrument: int = 1) -> Events:
    """TRADE events from (ts, price, qty)."""
    out = empty(len(rows))
    for at, (ts, price, qty) in enumerate(rows):
        out[at] = (ts, ts, price, qty, at, 0, instrument, Kind.TRADE, 1, 2)
    return out


def slow(events: Events, interval_s: int) -> list[tuple[int, ...]]:
    """The obvious way: trades in dictionaries by minute."""
    minutes: dict[int, list[tuple[int, int]]] = {}
    for event in events:
        start = int(event["ts_event"]) // (interval_s * SECOND) * interval_s * SECOND
        if event["qty"] > 0:
            minutes.setdefault(start, []).append((int(event["price"]), int(event["qty"])))
    return [
        (start, part[0][0], max(p for p, _ in part), min(p for p, _ in part), part[-1][0], sum(q for _, q in part))
        for start, part in minutes.items()
    ]


def as_rows(made: bars.Bars) -> list[tuple[int, ...]]:
    return [tuple(int(bar[field]) for field in FIELDS) for bar in made]


steps = st.lists(
    st.tuples(st.integers(0, 200 * SECOND), st.integers(1, 1000), st.integers(0, 50)), max_size=60
)


@given(steps, st.lists(st.integers(0, 60), max_size=6), st.sampled_from([1, 60, 300]))
def test_any_chunks_give_the_obvious_bars(rows: list[tuple[int, int, int]], cuts: list[int], interval_s: int) -> None:
    times = np.cumsum([step for step, _, _ in rows]).tolist()
    events = trades([(ts, price, qty) for ts, (_, price, qty) in zip(times, rows, strict=True)])
    state = bars.new_state(1, interval_s)
    parts = [bars.update(state, part) for part in np.split(events, sorted(min(cut, len(events)) for cut in cuts))]
    made = np.concatenate([*parts, bars.close(state, 1 << 62)])
    assert as_rows(made) == slow(events, interval_s)
    assert state["late"][0] == 0
    whole = bars.new_state(1, interval_s)
    again = np.concatenate([bars.update(whole, events), bars.close(whole, 1 << 62)])
    assert again.tobytes() == made.tobytes()
    assert whole.tobytes() == state.tobytes()


def test_a_bar_is_closed_only_when_its_time_is_over_and_late_trades_are_counted() -> None:
    state = bars.new_state(1, 60)
    assert len(bars.update(state, trades([(30 * SECOND, 5, 1)]))) == 0
    assert len(bars.close(state, 59 * SECOND)) == 0
    assert as_rows(bars.close(state, 60 * SECOND)) == [(0, 5, 5, 5, 5, 1)]
    assert len(bars.close(state, 60 * SECOND)) == 0
    assert len(bars.update(state, trades([(31 * SECOND, 9, 1), (61 * SECOND, 6, 1), (59 * SECOND, 7, 1)]))) == 0
    assert state["late"][0] == 2
    assert as_rows(bars.close(state, 1 << 62)) == [(60 * SECOND, 6, 6, 6, 6, 1)]


def test_other_instruments_and_other_events_pass_by() -> None:
    state = bars.new_state(1, 60)
    events = np.concatenate([trades([(0, 5, 1)], instrument=2), trades([(0, 5, 1)])])
    events[1]["kind"] = Kind.QUOTE
    bars.update(state, events)
    assert state["count"][0] == 0


@given(steps)
def test_aggregated_bars_are_the_bars_of_the_longer_interval(rows: list[tuple[int, int, int]]) -> None:
    times = np.cumsum([step for step, _, _ in rows]).tolist()
    events = trades([(ts, price, qty) for ts, (_, price, qty) in zip(times, rows, strict=True)])
    state = bars.new_state(1, 60)
    minutes = np.concatenate([bars.update(state, events), bars.close(state, 1 << 62)])
    longer = bars.aggregate(minutes, 300)
    assert as_rows(longer) == slow(events, 300)
    assert longer["count"].sum() == minutes["count"].sum()
    assert np.all(longer["ts_known"] - longer["ts_event"] == 300 * SECOND)


def test_aggregation_refuses_what_it_cannot_do() -> None:
    made = bars.empty(2)
    made["interval_s"] = 60
    made["ts_event"] = [60 * SECOND, 0]
    for part, interval, code in (
        (made, 300, MarketCode.MARKET_BARS_UNSORTED),
        (made[:1], 90, MarketCode.MARKET_INTERVAL_BAD),
        (made[:1], 0, MarketCode.MARKET_INTERVAL_BAD),
    ):
        with pytest.raises(TickhouseError) as raised:
            bars.aggregate(part, interval)
        assert raised.value.code is code
    assert len(bars.aggregate(bars.empty(0), 300)) == 0


def test_a_part_without_a_count_leaves_the_whole_without_one() -> None:
    made = bars.empty(2)
    made["interval_s"], made["ts_event"], made["count"] = 60, [0, 60 * SECOND], [3, -1]
    assert bars.aggregate(made, 300)["count"].tolist() == [-1]


@pytest.mark.recordings
@pytest.mark.parametrize(("interval", "interval_s", "count"), [("1m", 60, 2469), ("5m", 300, 706)])
def test_recorded_trades_rebuild_recorded_bars(
    recordings: Path, interval: str, interval_s: int, count: int
) -> None:
    folder = recordings / "freqtrade+freqtrade" / "tests" / "testdata"
    source = pl.read_ipc(folder / "XRP_ETH-trades.feather")
    assert source.height == 12_477

    def scaled(value: float) -> int:
        return int(Decimal(repr(value)).scaleb(SCALE).to_integral_value())

    rows = [
        (int(ts) * MS, scaled(price), scaled(amount))
        for ts, price, amount in source.select("timestamp", "price", "amount").iter_rows()
    ]
    state = bars.new_state(1, interval_s)
    made = np.concatenate([bars.update(state, trades(rows)), bars.close(state, 1 << 62)])
    want = pl.read_ipc(folder / f"XRP_ETH-{interval}.feather")
    first, last = int(made["ts_event"][0]), int(made["ts_event"][-1])
    recorded = {
        int(date.timestamp() * 1000) * MS: tuple(scaled(value) for value in values)
        for date, *values in want.select("date", "open", "high", "low", "close", "volume").iter_rows()
    }
    recorded = {ts: values for ts, values in recorded.items() if first <= ts <= last}
    ours = {row[0]: row[1:] for row in as_rows(made)}
    assert len(ours) == count
    assert ours == {ts: recorded[ts] for ts in ours}
    assert all(values[4] == 0 for ts, values in recorded.items() if ts not in ours)

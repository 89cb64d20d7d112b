"""Forward log return of the trade price over a fixed horizon, one label a trade.

The label of a trade at time t is log(P(t + horizon) / P(t)), where P(u) is the price of the last trade at or before u.
It is known for certain at t + horizon, and emitted when a later trade proves that no other one falls inside.
Trades still waiting are the state; carried from one day to the next it makes days equal to one long run, bit for bit.
A label therefore comes out in the batch in which it is resolved: those of a day's last minute with the next day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.errors import TickhouseError
from market.events import Events
from research.errors import ResearchCode

HORIZON_NS = 60_000_000_000
NAME = "forward_return_60s"
VERSION = 1

PENDING = np.dtype([("ts_event", np.int64), ("seq", np.int64), ("price", np.int64)])


@dataclass(frozen=True, slots=True)
class Labels:
    """Resolved labels in the order of their trades; equal-length columns."""

    ts_event: NDArray[np.int64]   # start of the interval: the trade
    seq: NDArray[np.int64]        # the trade's id
    ts_known: NDArray[np.int64]   # end of the interval
    value: NDArray[np.float64]    # log return


def fresh() -> NDArray[np.void]:
    """State before an instrument's first trade: nothing waits."""
    return np.zeros(0, dtype=PENDING)


def state_from_bytes(data: bytes) -> NDArray[np.void]:
    """The state that `.tobytes()` stored."""
    return np.frombuffer(data, dtype=PENDING).copy()


def update(
    state: NDArray[np.void], trades: Events, horizon_ns: int = HORIZON_NS
) -> tuple[NDArray[np.void], Labels]:
    """New state and the labels resolved by `trades`: one instrument's, in order; LABEL_ORDER otherwise."""
    waiting = np.empty(len(state) + len(trades), dtype=PENDING)
    waiting[: len(state)] = state
    for name in PENDING.names or ():
        waiting[name][len(state) :] = trades[name]
    times = np.ascontiguousarray(waiting["ts_event"])
    prices = np.ascontiguousarray(waiting["price"])
    if np.any(np.diff(times) < 0):
        first = int(np.argmax(np.diff(times) < 0)) + 1
        raise TickhouseError(ResearchCode.LABEL_ORDER, ts_event=int(times[first]), after=int(times[first - 1]))
    if not len(times):
        return waiting, _labels(waiting, np.zeros(0), horizon_ns)
    # Resolved only when a trade is strictly later than the horizon: others at that very time may still come.
    resolved = int(np.searchsorted(times, times[-1] - horizon_ns, side="left"))
    ends = np.searchsorted(times, times[:resolved] + horizon_ns, side="right") - 1
    value = np.log(prices[ends].astype(np.float64) / prices[:resolved].astype(np.float64))
    return waiting[resolved:].copy(), _labels(waiting[:resolved], value, horizon_ns)


def _labels(rows: NDArray[np.void], value: NDArray[np.float64], horizon_ns: int) -> Labels:
    starts = np.ascontiguousarray(rows["ts_event"])
    return Labels(starts, np.ascontiguousarray(rows["seq"]), starts + horizon_ns, value)

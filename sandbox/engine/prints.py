"""The tape: scripted trades with the users' trades woven in, ids consecutive for ever."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.engine.types import SymbolSpec
from sandbox.market.calendar import NS_PER_MINUTE, day_start
from sandbox.market.script import Script
from sandbox.market.tape import TRADE, bars_of

Rows = NDArray[np.void]


class Prints:
    """What one symbol printed.

    A user's trade is inserted before the next scripted one. Where users met a scripted trade, they printed their
    part of its quantity and the script the rest, if any.
    """

    def __init__(self, script: Script, spec: SymbolSpec, cursor: int) -> None:
        self._script = script
        self._spec = spec
        self.cursor = cursor              # scripted id of the next scripted trade
        self.shift = 0                    # printed id less scripted id, now
        self._before: list[int] = []      # for each inserted print: the scripted id it stands before
        self._times: list[int] = []       # and when it was
        self._inserted: list[tuple[int, int, int, int, bool]] = []
        self._met: list[int] = []         # scripted ids that users met
        self._rest: list[int] = []        # and what they left of its quantity
        self._gone: list[int] = []        # scripted ids of which nothing was left
        self._minutes: set[int] = set()   # where the script's bars are not what happened

    def insert(self, ts_ns: int, price: int, qty: int, buyer_is_maker: bool) -> int:
        """Print a user's trade; its id."""
        trade_id = self.cursor + self.shift
        self.shift += 1
        self._before.append(self.cursor)
        self._times.append(ts_ns)
        self._inserted.append((trade_id, ts_ns, price, qty, buyer_is_maker))
        self._minutes.add(ts_ns // NS_PER_MINUTE * NS_PER_MINUTE)
        return trade_id

    def script_left(self, rest: int) -> None:
        """Users met the scripted trade at the cursor: `rest` of its quantity prints as scripted."""
        self._met.append(self.cursor)
        self._rest.append(rest)
        if rest == 0:
            self._gone.append(self.cursor)
            self.shift -= 1

    def rows(self, start_ns: int, end_ns: int) -> Rows:
        """What was printed in [start, end) so far."""
        spec = self._spec
        rows = self._script.trades(spec.market, spec.symbol, start_ns, end_ns)
        rows = rows[: int(np.searchsorted(rows["id"], self.cursor))]
        if not self._inserted:
            return rows
        return self._weave(rows, start_ns, end_ns)

    def _weave(self, scripted: Rows, start_ns: int, end_ns: int) -> Rows:
        rows = scripted.copy()
        if len(rows):
            ids = scripted["id"]
            low, high = int(ids[0]), int(ids[-1])
            first, last = bisect_left(self._met, low), bisect_right(self._met, high)
            rows["qty"][np.array(self._met[first:last], dtype=np.int64) - low] = self._rest[first:last]
            rows["id"] += _counted(self._before, ids, "right") - _counted(self._gone, ids, "left")
            rows = rows[rows["qty"] > 0]
        first, last = bisect_left(self._times, start_ns), bisect_left(self._times, end_ns)
        if first == last:
            return rows
        woven = np.concatenate([rows, np.array(self._inserted[first:last], dtype=TRADE)])
        return woven[np.argsort(woven["id"], kind="stable")]

    def from_id(self, first_id: int, limit: int) -> Rows:
        """Up to `limit` prints with an id of at least `first_id`."""
        spec = self._spec
        end = self.cursor + self.shift
        first_id = max(first_id, 0)
        if first_id >= end or limit <= 0:
            return np.empty(0, dtype=TRADE)
        # The print with this id belongs to a scripted id between first_id - inserted and first_id + gone.
        low = max(0, first_id - len(self._inserted)) // spec.trades_per_day
        high = min(self.cursor, first_id + limit + len(self._gone)) // spec.trades_per_day
        rows = self.rows(day_start(low), day_start(high + 1))
        at = int(np.searchsorted(rows["id"], first_id))
        return rows[at:at + limit]

    def bars(self, start_ns: int, end_ns: int, now_ns: int) -> Rows:
        """Minute bars that open in [start, end), the one of `now` as it stands."""
        spec = self._spec
        forming = now_ns // NS_PER_MINUTE * NS_PER_MINUTE
        bars = self._script.bars(spec.market, spec.symbol, start_ns, min(end_ns, forming))
        touched = sorted(minute for minute in self._minutes if start_ns <= minute < min(end_ns, forming))
        if touched:
            bars = bars.copy()
            for minute in touched:
                at = int(np.searchsorted(bars["open_ns"], minute))
                bars[at] = bars_of(self.rows(minute, minute + NS_PER_MINUTE), spec.notional_factor)[0]
        if start_ns <= forming < end_ns:
            last = bars_of(self.rows(forming, forming + NS_PER_MINUTE), spec.notional_factor)
            bars = np.concatenate([bars, last])
        return bars


def _counted(sorted_ids: list[int], ids: NDArray[np.int64], side: Literal["left", "right"]) -> NDArray[np.int64]:
    """How many of `sorted_ids` come before each of `ids` (sorted too), looking only at those between."""
    first, last = bisect_left(sorted_ids, int(ids[0])), bisect_right(sorted_ids, int(ids[-1]))
    between = np.array(sorted_ids[first:last], dtype=np.int64)
    return np.asarray(first + np.searchsorted(between, ids, side=side), dtype=np.int64)

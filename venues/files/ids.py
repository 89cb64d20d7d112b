"""Numbers for trades whose ids are words, or that have none: the same in every file, from every source and run."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from infra.errors import TickhouseError
from venues.files.errors import FileCode

_KEYS = ("ts_event", "price", "qty", "side")
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # splitmix64, Steele, Lea, Flood 2014
_DIGITS = r"^[0-9]{1,18}$"


def numbers_of(names: pl.Series) -> pl.Series:
    """The ids as numbers, 63 bits of a hash where they are not; as `venues.ccxt_trades` makes them from REST.

    So the trade of a file and the same one of a venue's REST interface have one id.
    """
    made = names.cast(pl.Int64, strict=False)
    other = ~names.str.contains(_DIGITS)
    if other.any():
        at = other.arg_true()
        hashed = [_hash_of(name) for name in names.gather(at)]
        made = made.scatter(at, pl.Series(hashed, dtype=pl.Int64))
    return made


def _hash_of(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


class TradeIds:
    """The ids of one file's trades, batch by batch.

    An id is 63 bits of a hash of (ts_event, price, qty, side, n), with n the number of equal rows before it: rows that
    agree in everything are distinct trades, not copies. Two different trades of a day share an id with a chance of
    1 in 10^5 among ten million. `ordered`: the file promises the order of time, and is refused where it breaks it.
    """

    def __init__(self, file: str, *, ordered: bool = True) -> None:
        self._file = file
        self._ordered = ordered
        self._border: pl.DataFrame | None = None  # rows at the last batch's last moment, with their n
        self._span: tuple[int, int] | None = None

    def of(self, frame: pl.DataFrame) -> pl.Series:
        """`trade_id` of the rows.

        Batches must follow in time, rising or falling, or equal rows would not be counted right: FILE_ROW_BAD where a
        batch goes back into one before it.
        """
        if not frame.height:
            return pl.Series("trade_id", [], dtype=pl.Int64)
        rows = frame.select(*_KEYS)
        rows = rows.with_columns(pl.lit(0, dtype=pl.Int64).alias("n"))
        if self._ordered:
            self._in_order(frame)
        border = self._border
        together = rows if border is None else pl.concat([border, rows])
        if together.select(pl.struct(_KEYS).n_unique()).item() < together.height:
            together = together.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over(_KEYS).alias("n"))
        rows = together.tail(rows.height)
        self._border = together.filter(pl.col("ts_event") == rows["ts_event"][-1])
        return pl.Series("trade_id", (_hash(rows) >> np.uint64(1)).astype(np.int64))

    def _in_order(self, frame: pl.DataFrame) -> None:
        low, high = frame.select(low=pl.col("ts_event").min(), high=pl.col("ts_event").max()).row(0)
        if self._span is not None and low < self._span[1] and high > self._span[0]:
            raise TickhouseError(
                FileCode.FILE_ROW_BAD, file=self._file, line=frame["line"][0] if "line" in frame.columns else "",
                problem="trades without ids must stand in the order of time",
            )
        self._span = (low, high) if self._span is None else (min(low, self._span[0]), max(high, self._span[1]))


def _hash(rows: pl.DataFrame) -> NDArray[np.uint64]:
    state = np.full(rows.height, 0x9E3779B97F4A7C15, dtype=np.uint64)
    for name in (*_KEYS, "n"):
        state = _mixed(state ^ rows[name].cast(pl.Int64).to_numpy().view(np.uint64))
    return state


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * _MIX[0]
    state = (state ^ (state >> np.uint64(27))) * _MIX[1]
    return state ^ (state >> np.uint64(31))

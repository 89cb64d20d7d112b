"""How long the bars of a file are: said by its options, its name or the grid of its stamps, in this order."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from infra.errors import TickhouseError
from market.dataset import INTERVALS
from venues.files.errors import FileCode

SECOND = 1_000_000_000
MONTH_S = 2_592_000  # stands for a calendar month, as in ccxt: thirty days
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WORDS = {
    "minute": 60, "min": 60, "hour": 3_600, "hourly": 3_600, "day": 86_400, "daily": 86_400, "d": 86_400,
    "week": 604_800, "weekly": 604_800, "month": MONTH_S, "monthly": MONTH_S,
}
_CODE = re.compile(r"(?<![A-Za-z0-9])(\d{1,3})(s|m|min|h|hour|d|day|w|M|Mo)(?![A-Za-z0-9])")


def seconds(code: str) -> int | None:
    """The length that "5m", "1h", "1w", "1M" or "1Mo" stands for; None for anything else."""
    found = re.fullmatch(r"(\d{1,3})(s|m|min|h|hour|d|day|w|M|Mo)", code)
    if not found:
        return None
    count, unit = int(found[1]), found[2]
    if count == 0:
        return None
    return count * MONTH_S if unit in {"M", "Mo"} else count * _UNITS[unit[0]]


def of_name(name: str) -> int | None:
    """The interval that a file's name tells (`Coinbase_BTCUSD_1h.csv`, `btcusdt_day_2020.csv`); None where it does not.

    A name that tells two is as good as one that tells none.
    """
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].replace("_", "-")
    told = {seconds(match[0]) for match in _CODE.finditer(stem)}
    told |= {_WORDS[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in _WORDS}
    known = {length for length in told if length}
    return known.pop() if len(known) == 1 else None


def of_stamps(stamps: pl.Series) -> int | None:
    """The step that all distances between the stamps are a multiple of, if it occurs and is an interval we know."""
    steps = np.unique(np.diff(np.unique(stamps.drop_nulls().to_numpy())))
    if not len(steps):
        return None
    step, rest = divmod(int(steps[0]), SECOND)
    if rest or np.any(steps % steps[0]):
        # Months are no fixed grid: each step is one of 28 to 31 days, or several of them.
        return MONTH_S if _first_of_months(stamps) else None
    return step if step in INTERVALS else None


def find(file: str, told: int | None, stamps: pl.Series) -> int:
    """Seconds of a bar; `told` is the option. FILE_NOT_DATA where neither it, the name nor the stamps say."""
    length = told or of_name(file) or of_stamps(stamps)
    if length is None:
        raise TickhouseError(
            FileCode.FILE_NOT_DATA, file=file,
            problem="the length of a bar is told neither by the name nor by the stamps: set the option interval_s",
        )
    return length


def ends(stamps: pl.Series, interval_s: int) -> pl.Series:
    """The end (ns) of each bar from its open; a month's is the next month's first moment."""
    if interval_s % MONTH_S == 0:
        return _shift_months(stamps, interval_s // MONTH_S)
    return stamps + interval_s * SECOND


def opens(stamps: pl.Series, interval_s: int) -> pl.Series:
    """The open (ns) of each bar from its end."""
    if interval_s % MONTH_S == 0:
        return _shift_months(stamps, -(interval_s // MONTH_S))
    return stamps - interval_s * SECOND


def _shift_months(stamps: pl.Series, months: int) -> pl.Series:
    return stamps.cast(pl.Datetime("ns")).dt.offset_by(f"{months}mo").cast(pl.Int64)


def _first_of_months(stamps: pl.Series) -> bool:
    times = stamps.drop_nulls().cast(pl.Datetime("ns"))
    return bool((times == times.dt.truncate("1mo")).all())

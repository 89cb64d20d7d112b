"""Which files hold a span of time: a path with placeholders, made into one path a day, a month or a year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from venues.errors import VenueCode

if TYPE_CHECKING:
    from market.instrument import Instrument

DAY_NS = 86_400_000_000_000
_FOREVER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Covered:
    """One file and the span that it is for, [start, end) in ns."""

    path: str
    start: int
    end: int
    dated: bool  # the path has a placeholder of time


class _Day(date):
    """`{day}` is 2024-01-31, `{day:%Y%m%d}` is what people write."""

    pattern = "%Y-%m-%d"

    def __format__(self, spec: str) -> str:
        return self.strftime(spec or self.pattern)


class _Month(_Day):
    pattern = "%Y-%m"


class _Year(_Day):
    pattern = "%Y"


class _Text(str):
    """`{base:lower}`, `{base:upper}`, and `{symbol:safe}` with _ for what a file name cannot hold."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        how = {"": str(self), "lower": self.lower(), "upper": self.upper(), "safe": re.sub(r"[/:]", "_", self)}
        if spec not in how:
            raise ValueError(f"{spec} is none of lower, upper, safe")
        return how[spec]


def expand(template: str, life: Instrument, day: date, file_symbol: str = "") -> str:
    """The template with its placeholders filled for this instrument and day; SOURCES_INVALID names a wrong one.

    `file_symbol` is what the publisher calls the instrument, where that is not the venue's symbol.
    """
    names = {name: _Text(getattr(life, name)) for name in ("symbol", "venue_symbol", "base", "quote", "settle")}
    names["file_symbol"] = _Text(file_symbol or life.venue_symbol)
    times = {name: kind(day.year, day.month, day.day) for name, kind in _TIMES.items()}
    try:
        return template.format(**names, **times)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        known = ", ".join((*times, *names))
        raise TickhouseError(
            VenueCode.SOURCES_INVALID, key="path", value=template, problem=f"{error}; placeholders are {known}"
        ) from error


_TIMES: dict[str, type[_Day]] = {"day": _Day, "month": _Month, "year": _Year}


def covering(
    template: str, life: Instrument, start: int, end: int, margin: int = 0, file_symbol: str = ""
) -> list[Covered]:
    """The files that hold [start, end) ns, in time order, and those of the time within `margin` ns around it.

    A template without a placeholder of time is one file for all time.
    """
    names = {name for name in _TIMES if re.search(rf"\{{{name}[}}:]", template)}
    if not names:
        path = expand(template, life, _day_of(max(start, 0)), file_symbol)
        return [Covered(path, 0, _FOREVER, dated=False)]
    finest = next(name for name in _TIMES if name in names)
    first, last = _day_of(max(start - margin, 0)), _day_of(max(end - 1 + margin, 0))
    if margin:
        # Around the span only: before the first day and after the last there may be no file.
        last = min(last, _day_of(end - 1) + timedelta(days=1))
    return [
        Covered(expand(template, life, begin, file_symbol), _ns(begin), _ns(after), dated=True)
        for begin, after in _spans(finest, first, last)
    ]


def _spans(finest: str, first: date, last: date) -> Iterator[tuple[date, date]]:
    begin = {"day": first, "month": first.replace(day=1), "year": first.replace(month=1, day=1)}[finest]
    while begin <= last:
        days = {"day": 1, "month": 31, "year": 366}[finest]
        after = begin + timedelta(days=days)
        after = {"day": after, "month": after.replace(day=1), "year": after.replace(month=1, day=1)}[finest]
        yield begin, after
        begin = after


def _day_of(ns: int) -> date:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).date()


def _ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000

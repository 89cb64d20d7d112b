"""Which life a symbol stood for at a time: symbols are reused, lives are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from market.instrument import Instrument


def on_day(lives: Sequence[Instrument], venue: str, symbol: str, start_ns: int, end_ns: int) -> list[Instrument]:
    """All lives of that symbol that touch [start_ns, end_ns), in order of time; none where it was not traded.

    Where nobody told when the first of them was listed, it reaches back to the beginning.
    """
    named = sorted((life for life in lives if life.venue == venue and life.symbol == symbol), key=_start)
    return [
        life
        for at, life in enumerate(named)
        if (begins(life, first=at == 0) < end_ns) and (not life.valid_to or life.valid_to > start_ns)
    ]


def begins(life: Instrument, *, first: bool) -> int:
    """From when on a row may be this life's, ns; `first` tells that no life had its symbol before."""
    return 0 if first and not life.listed else life.valid_from


def universe(lives: Iterable[Instrument], at_ns: int) -> list[Instrument]:
    """The lives that were listed at `at_ns`, by id; what was delisted later is among them."""
    there = (life for life in lives if life.valid_from <= at_ns and (not life.valid_to or at_ns < life.valid_to))
    return sorted(there, key=lambda life: life.id)


def _start(life: Instrument) -> tuple[int, int]:
    return life.valid_from, life.id

"""Which life a symbol stands for at a time: symbols are reused and changed, lives are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from market.instrument import Instrument, InstrumentSpec, Status
from market.suspicion import Suspicion, suspicious

__all__ = [
    "Match", "Suspicion", "begins", "end_of", "learn", "match", "on_day", "overlapping", "spells", "suspicious",
    "universe",
]

DAY_NS = 86_400_000_000_000
_FOREVER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Match:
    """What a venue's word about a symbol is about: `life` (None: one that is new to us), and the lives that it ends."""

    life: Instrument | None
    ended: tuple[Instrument, ...] = ()


def on_day(lives: Sequence[Instrument], venue: str, symbol: str, start_ns: int, end_ns: int) -> list[Instrument]:
    """All lives of that symbol that touch [start_ns, end_ns), in order of time; none where it was not traded.

    Where nobody told when the first of them was listed, it reaches back to the beginning. Of `spells` those of former
    names are given too, if the life has this symbol last: a day is then asked for by the name of that day.
    """
    here = sorted((life for life in lives if life.venue == venue), key=_start)
    last = {life.id: life.symbol for life in here}
    named = [life for life in here if symbol in {life.symbol, last[life.id]}]
    return [
        life
        for at, life in enumerate(named)
        if begins(life, first=at == 0) < end_ns and (not life.valid_to or life.valid_to > start_ns)
    ]


def begins(life: Instrument, *, first: bool) -> int:
    """From when on a row may be this life's, ns; `first` tells that no life had its symbol before."""
    return 0 if first and not life.listed else life.valid_from


def universe(lives: Iterable[Instrument], at_ns: int) -> list[Instrument]:
    """The lives that were listed at `at_ns`, by id; what was delisted later is among them."""
    there = (life for life in lives if life.valid_from <= at_ns and (not life.valid_to or at_ns < life.valid_to))
    return sorted(there, key=lambda life: life.id)


def spells(lives: Iterable[Instrument], names: Iterable[tuple[int, str, str, int]]) -> list[Instrument]:
    """The lives, each as often as it had names, with the validity of the name.

    `names` are (id, symbol, venue symbol, from when), by id and time.
    """
    changes: dict[int, list[tuple[str, str, int]]] = {}
    for number, symbol, venue_symbol, since in names:
        known = changes.setdefault(number, [])
        if not known or known[-1][0] != symbol:
            known.append((symbol, venue_symbol, since))
    out = []
    for life in lives:
        had = changes.get(life.id, [])
        for at, (symbol, venue_symbol, since) in enumerate(had):
            named = replace(life, symbol=symbol, venue_symbol=venue_symbol)
            if at:
                named = replace(named, valid_from=since, listed=since)
            if at + 1 < len(had):
                named = replace(named, valid_to=had[at + 1][2])
            out.append(named)
    return out


def match(lives: Iterable[Instrument], spec: InstrumentSpec) -> Match:
    """Which life the venue speaks of.

    A listing more than a day after the one we know is another life, and ends the one before. A symbol that ended and
    is there again is the same life only if its listing is the same one; where the venue tells no listing, it is a new
    life: two histories under one id cannot be told apart again, one history under two can be joined.
    """
    named = sorted((x for x in lives if (x.venue, x.symbol) == (spec.venue, spec.symbol)), key=_start)
    if not named:
        return Match(None)
    last = named[-1]
    if (end := end_of(spec)) and last.valid_to:
        return Match(last if abs(last.valid_to - end) <= DAY_NS or _same_listing(last, spec) else None)
    if not last.valid_to and not _relisted(last, spec):
        return Match(last)
    if last.valid_to:
        return Match(last if _same_listing(last, spec) and not end else None)
    return Match(None, (replace(last, valid_to=max(spec.listed, last.valid_from + 1)),))


def learn(life: Instrument, spec: InstrumentSpec) -> Instrument | None:
    """The life with what the venue says of its listing and with its end taken back; None where that is nothing new."""
    new = life
    if spec.listed and not life.listed:
        new = replace(new, listed=spec.listed, valid_from=min(spec.listed, life.valid_from))
    if life.valid_to and not end_of(spec):
        new = replace(new, valid_to=0)
    return None if new == life else new


def end_of(spec: InstrumentSpec) -> int:
    """When the venue ended it, ns, by its own word or, without, when it said so; 0 while it is listed."""
    if spec.delisted and spec.delisted <= spec.valid_from:
        return spec.delisted
    return spec.valid_from if spec.status is Status.DELISTED else 0


def overlapping(lives: Iterable[Instrument], start_ns: int, end_ns: int) -> Instrument | None:
    """The last of `lives` that shares time with [start_ns, end_ns or for ever)."""
    shared = [
        life for life in sorted(lives, key=_start)
        if life.valid_from < (end_ns or _FOREVER) and start_ns < (life.valid_to or _FOREVER)
    ]
    return shared[-1] if shared else None


def _relisted(life: Instrument, spec: InstrumentSpec) -> bool:
    return spec.listed > life.valid_from + DAY_NS


def _same_listing(life: Instrument, spec: InstrumentSpec) -> bool:
    return bool(life.listed and spec.listed) and abs(life.listed - spec.listed) <= DAY_NS


def _start(life: Instrument) -> tuple[int, int]:
    return life.valid_from, life.id

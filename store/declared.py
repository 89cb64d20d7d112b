"""What people know of instruments and venues do not tell: `config/instruments.toml`, written into the store."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from infra.errors import TickhouseError
from infra.toml_file import read
from market import lives as lives_in
from market.adjustment import Adjustment
from market.instrument import Instrument, InstrumentKind
from market.rounding import to_int
from store import adjustments, instruments
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTRACT_SCALE = 8
Scale = Annotated[int, Field(ge=0, le=18)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    venue: str
    symbol: Annotated[str, Field(pattern=r"^[^/:]+/[^/:]+(:[^/:]+)?$")]  # "LUNA/USDT", "BTC/USDT:USDT"

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2].partition(":")[0]

    @property
    def settle(self) -> str:
        return self.symbol.partition(":")[2]


class Life(_Entry):
    """One listing of a symbol, from `listed` to `delisted` (none: it lives)."""

    listed: AwareDatetime
    delisted: AwareDatetime | None = None
    price_scale: Scale
    qty_scale: Scale
    venue_symbol: str = ""       # "": base and quote in one word, as Binance writes it
    contract_size: str = "1"

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Life:
        if self.delisted is not None and self.delisted <= self.listed:
            raise ValueError("delisted is not after listed")
        return self

    def instrument(self, number: int) -> Instrument:
        """The life under an id."""
        kind = InstrumentKind.SPOT
        if self.settle:
            kind = InstrumentKind.INVERSE if self.settle == self.base else InstrumentKind.LINEAR
        return Instrument(
            id=number, venue=self.venue, symbol=self.symbol, venue_symbol=self.venue_symbol or self.base + self.quote,
            kind=kind, base=self.base, quote=self.quote, settle=self.settle or self.quote,
            price_scale=self.price_scale, qty_scale=self.qty_scale,
            contract_size=to_int(self.contract_size, _CONTRACT_SCALE), valid_from=_ns(self.listed),
            valid_to=_ns(self.delisted) if self.delisted else 0, listed=_ns(self.listed),
        )


class Rename(_Entry):
    """A life that is called `to` from the day `at` on."""

    at: AwareDatetime
    to: Annotated[str, Field(pattern=r"^[^/:]+/[^/:]+(:[^/:]+)?$")]
    to_venue_symbol: str = ""

    @field_validator("at")
    @classmethod
    def _is_midnight(cls, at: datetime) -> datetime:
        if (at - _EPOCH).seconds or at.microsecond:
            raise ValueError("not the start of a UTC day: a day is asked for by one name")
        return at


class Redenomination(_Entry):
    """`old` units of the base asset became `new` ones at `at`."""

    at: AwareDatetime
    old: Annotated[int, Field(gt=0)]
    new: Annotated[int, Field(gt=0)]
    announced: AwareDatetime | None = None  # None: known when it happened
    reason: str = ""


class File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    life: tuple[Life, ...] = ()
    rename: tuple[Rename, ...] = ()
    redenomination: tuple[Redenomination, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """What was new in the file; `waiting` are changes of symbols that no life has had yet."""

    lives: int = 0
    renames: int = 0
    redenominations: int = 0
    waiting: tuple[str, ...] = field(default=())


def load(file: Path) -> File:
    """The file; an empty one where it does not exist. INSTRUMENTS_INVALID names the first wrong key."""
    if not file.is_file():
        return File()
    try:
        return File.model_validate(read(file))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise TickhouseError(StoreCode.INSTRUMENTS_INVALID, file=file, key=key, problem=first["msg"]) from error


def write(client: Client, file: File, only: Collection[tuple[str, str]] | None = None) -> Declared:
    """Lives first, then renames, then redenominations; what is there already stays as it is.

    `only` keeps the (venue, symbol) pairs that somebody asks for; None: all. A life is the one that we know if both
    share time. What is news about a life that we knew counts from now on, so that no earlier reading changes.
    """
    entries = sorted(file.life, key=lambda entry: entry.listed)
    if only is not None:
        # A life is asked for by its last name, too.
        former = {(entry.venue, entry.symbol) for entry in file.rename if (entry.venue, entry.to) in only}
        entries = [entry for entry in entries if (entry.venue, entry.symbol) in former.union(only)]
    done = _lives(client, entries)
    renamed, waiting = 0, []
    for rename in sorted(file.rename, key=lambda entry: entry.at):
        life = _at(client, rename, _ns(rename.at))
        if life is None:
            waiting.append(f"{rename.venue} {rename.symbol} -> {rename.to}")
            continue
        venue_symbol = rename.to_venue_symbol or rename.to.partition(":")[0].replace("/", "")
        renamed += instruments.rename(client, life.id, rename.to, venue_symbol, _ns(rename.at))
    changes = []
    for entry in file.redenomination:
        life = _at(client, entry, _ns(entry.at))
        if life is None:
            waiting.append(f"{entry.venue} {entry.symbol} {entry.old}:{entry.new}")
            continue
        reason = entry.reason or f"{entry.old} old for {entry.new} new"
        known = _ns(entry.announced) if entry.announced else _ns(entry.at)
        changes.append(Adjustment(life.id, _ns(entry.at), known, entry.new, entry.old, reason))
    return Declared(done, renamed, adjustments.record(client, changes), tuple(waiting))


def _lives(client: Client, entries: Iterable[Life]) -> int:
    names = {(life.id, life.symbol) for life in instruments.spells(client)}
    known = instruments.load(client)
    next_id = max((life.id for life in known), default=0) + 1
    facts: list[tuple[Instrument, int]] = []
    count = 0
    for entry in entries:
        said = entry.instrument(next_id)
        named = [life for life in known if life.venue == entry.venue and (life.id, entry.symbol) in names]
        held = lives_in.overlapping(named, said.valid_from, said.valid_to)
        if held is None:
            facts.append((replace(said, valid_to=0), said.valid_from))
            facts += [(said, said.valid_to)] if said.valid_to else []
            known.append(said)
            names.add((next_id, said.symbol))
            next_id += 1
        else:
            new = replace(held, listed=said.listed, valid_from=said.listed) if not held.listed else held
            new = replace(new, valid_to=said.valid_to) if said.valid_to else new
            if new == held:
                continue
            facts.append((new, time.time_ns()))
            known = [new if life is held else life for life in known]
        count += 1
    instruments.write(client, facts)
    return count


def _at(client: Client, entry: _Entry, at: int) -> Instrument | None:
    lives = lives_in.on_day(instruments.spells(client), entry.venue, entry.symbol, at - 1, at + 1)
    return lives[0] if lives else None


def _ns(at: datetime) -> int:
    gone = at - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * 10**9 + gone.microseconds * 1_000

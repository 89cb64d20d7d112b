"""Instruments as lives: ids are allocated once, never reused, and rules are facts with validity in time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from market import lives as lives_in
from market.instrument import Instrument, InstrumentKind, Status, TradingRules
from store import reader, writer
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from market.instrument import InstrumentSpec
    from store.declared import Declared

_LIFE = Instrument.__slots__
_RULES = ("tick", "lot", "min_qty", "max_qty", "min_notional", "maker_fee_ppm", "taker_fee_ppm", "status")
_KNOWN = "ts_known <= fromUnixTimestamp64Nano({as_of_ns:Int64}, 'UTC')"
_FOREVER = (1 << 63) - 1


def load(client: Client, as_of_ns: int | None = None) -> list[Instrument]:
    """All lives by id, ended ones included, as known at `as_of_ns` (None: now)."""
    frame = reader.query(
        client,
        f"SELECT {', '.join(_LIFE)} FROM instruments WHERE {_KNOWN}"  # noqa: S608 - constants; values are bound
        " ORDER BY id, ts_known DESC, ts_stored DESC LIMIT 1 BY id",
        {"as_of_ns": _FOREVER if as_of_ns is None else as_of_ns},
    )
    return [_life(row) for row in frame.iter_rows(named=True)]


def rules(client: Client, as_of_ns: int | None = None) -> dict[int, TradingRules]:
    """The rules in force at `as_of_ns` (None: now) by instrument id, as known then."""
    frame = reader.query(
        client,
        f"SELECT instrument, {', '.join(_RULES)}, valid_from FROM trading_rules"  # noqa: S608 - constants
        f" WHERE {_KNOWN} AND valid_from <= fromUnixTimestamp64Nano({{as_of_ns:Int64}}, 'UTC')"
        " ORDER BY instrument, valid_from DESC, ts_known DESC, ts_stored DESC LIMIT 1 BY instrument",
        {"as_of_ns": _FOREVER if as_of_ns is None else as_of_ns},
    )
    rows = frame.iter_rows(named=True)
    return {row["instrument"]: TradingRules(**{**row, "status": Status(row["status"])}) for row in rows}


def universe(client: Client, as_of_ns: int) -> list[Instrument]:
    """The lives that were listed at `as_of_ns`, as known then; what ended later is among them."""
    return lives_in.universe(load(client, as_of_ns), as_of_ns)


def spells(client: Client) -> list[Instrument]:
    """Every life as often as it had names: `valid_from` and `valid_to` are those of the name, the id is the life's.

    What `market.lives.on_day` needs where a symbol was renamed: a day is asked for by the name of that day.
    """
    last = {life.id: life for life in load(client)}
    names = reader.query(
        client,
        "SELECT id, symbol, venue_symbol, ts_known FROM instruments"
        " ORDER BY id, ts_known, ts_stored DESC LIMIT 1 BY id, ts_known",
    )
    return lives_in.spells(last.values(), names.iter_rows())


def allocate(client: Client, specs: Iterable[InstrumentSpec]) -> dict[tuple[str, str], int]:
    """Id by (venue, symbol): that of the living instrument, else a new one, which is written.

    A life ends here when the venue says that it is delisted, or gives a later listing of the same symbol, which is
    another life. A listing that was not known before is taken into the life, known from now on.
    INSTRUMENT_CHANGED, after the others are written, when a living one cannot express what the venue says now (finer
    steps, another contract): `close` it first. INSTRUMENT_CLASH when another process allocated at the same moment.
    """
    ids, misfits = _allocate(client, specs)
    if misfits:
        raise misfits[0]
    return ids


def _allocate(
    client: Client, specs: Iterable[InstrumentSpec]
) -> tuple[dict[tuple[str, str], int], list[TickhouseError]]:
    known = load(client)
    next_id = max((life.id for life in known), default=0) + 1
    ids: dict[tuple[str, str], int] = {}
    rows: list[tuple[Instrument, int]] = []
    born = []
    misfits = []
    for spec in specs:
        found = lives_in.match(known, spec)
        if found.life is not None and (misfit := _misfit(found.life, spec)):
            misfits.append(misfit)
            continue
        rows += [(ended, spec.valid_from) for ended in found.ended]
        life = found.life
        if life is None:
            life = spec.instrument(next_id)
            next_id += 1
            born.append(life)
            # A listing is public when it happens, whenever we hear of it; what ends a life that we told of is news.
            rows.append((life, spec.valid_from if found.ended else life.valid_from))
        elif learned := lives_in.learn(life, spec):
            life = learned
            rows.append((life, spec.valid_from))
        if (end := lives_in.end_of(spec)) and not life.valid_to:
            life = replace(life, valid_to=max(end, life.valid_from + 1))
            rows.append((life, spec.valid_from if found.life else max(life.valid_to, rows[-1][1])))
        gone = {life.id, *(ended.id for ended in found.ended)}
        known = [*(other for other in known if other.id not in gone), *found.ended, life]
        ids[spec.venue, spec.symbol] = life.id
    if rows:
        write(client, rows)
    if born:
        _refuse_clash(client, born)
    return ids, misfits


def record(client: Client, specs: Iterable[InstrumentSpec]) -> list[Instrument]:
    """The lives of `specs`, allocated where new, after writing the rules that changed since the last record.

    Errors as of `allocate`; what is right is written before.
    """
    specs = list(specs)
    ids, misfits = _allocate(client, specs)
    specs = [spec for spec in specs if (spec.venue, spec.symbol) in ids]
    lives = {life.id: life for life in load(client)}
    in_force = rules(client)
    rows = []
    for spec in specs:
        life = lives[ids[spec.venue, spec.symbol]]
        fresh = _rules_of(spec, life)
        old = in_force.get(life.id)
        if old is None or any(getattr(old, name) != getattr(fresh, name) for name in _RULES):
            rows.append(
                {"instrument": life.id, "valid_from": fresh.valid_from, "ts_known": fresh.valid_from}
                | {name: int(getattr(fresh, name)) for name in _RULES}
            )
    if rows:
        writer.insert(client, "trading_rules", pl.DataFrame(rows))
    if misfits:
        raise misfits[0]
    return [lives[ids[spec.venue, spec.symbol]] for spec in specs]


def close_missing(
    client: Client, venue: str, asked: Collection[str], listed: Collection[str], now_ns: int
) -> list[Instrument]:
    """Ends, as of `now_ns`, the living instruments of `asked` that the venue lists no more; gives them as they ended.

    For venues that drop a delisted symbol from their list instead of saying so. A symbol that comes back is another
    life.
    """
    gone = [
        replace(life, valid_to=max(now_ns, life.valid_from + 1)) for life in load(client)
        if life.venue == venue and not life.valid_to and life.symbol in asked and life.symbol not in listed
    ]
    if gone:
        write(client, [(life, life.valid_to) for life in gone])
    return gone


def close(client: Client, instrument_id: int, valid_to_ns: int, ts_known_ns: int | None = None) -> None:
    """Ends a life; its id stays taken. The same symbol gets a new id at the next `allocate`."""
    life = next(life for life in load(client) if life.id == instrument_id)
    write(client, [(replace(life, valid_to=valid_to_ns), time.time_ns() if ts_known_ns is None else ts_known_ns)])


def rename(client: Client, instrument_id: int, symbol: str, venue_symbol: str, from_ns: int) -> bool:
    """Gives a life another name from `from_ns` on; False where it has that name already. Its id, and so its data, stay.

    Names are facts in time: `load` as of an earlier moment gives the name of then.
    """
    rows = reader.query(
        client,
        f"SELECT {', '.join(_LIFE)}, ts_known FROM instruments WHERE id = {{id:UInt32}}"  # noqa: S608 - constants
        " ORDER BY ts_known, ts_stored DESC LIMIT 1 BY ts_known",
        {"id": instrument_id},
    )
    facts = [(_life({name: row[name] for name in _LIFE}), int(row["ts_known"])) for row in rows.iter_rows(named=True)]
    if any(life.symbol == symbol for life, _ in facts):
        return False
    before = [life for life, known in facts if known <= from_ns][-1:] or [facts[0][0]]
    # Facts that we wrote later under the old name are told again under the new one.
    renamed = [(before[0], from_ns), *((life, known) for life, known in facts if known > from_ns)]
    write(client, [(replace(life, symbol=symbol, venue_symbol=venue_symbol), known) for life, known in renamed])
    return True


def declare(client: Client, file: Path, only: Collection[tuple[str, str]] | None = None) -> Declared:
    """Writes what people know of lives, renames and redenominations (config/instruments.toml); twice changes nothing.

    `only`: lives of these (venue, symbol) pairs, None for all. INSTRUMENTS_INVALID names the first wrong key. Best
    before `record`, so that the venue's word finds the lives it belongs to.
    """
    from store import declared

    return declared.write(client, declared.load(file), only)


def _rules_of(spec: InstrumentSpec, life: Instrument) -> TradingRules:
    """The venue's rules in the life's scales; `_misfit` says before whether the steps are exact there."""
    price, qty = life.price_scale - spec.price_scale, life.qty_scale - spec.qty_scale
    return TradingRules(
        instrument=life.id,
        tick=_scaled(spec.tick, price),
        lot=_scaled(spec.lot, qty),
        min_qty=_scaled(spec.min_qty, qty),
        max_qty=_scaled(spec.max_qty, qty),
        min_notional=_scaled(spec.min_notional, price + qty),
        maker_fee_ppm=spec.maker_fee_ppm,
        taker_fee_ppm=spec.taker_fee_ppm,
        status=spec.status,
        valid_from=spec.valid_from,
    )


def _scaled(value: int, digits: int) -> int:
    return int(value * 10**digits) if digits >= 0 else int(value // 10**-digits)


def _misfit(life: Instrument, spec: InstrumentSpec) -> TickhouseError | None:
    """INSTRUMENT_CHANGED where the contract is another one, or a step is finer than the life's scale.

    Digits that the venue only reserves need not fit.
    """
    same = ("kind", "base", "quote", "settle", "contract_size")
    differs = [name for name in same if getattr(life, name) != getattr(spec, name)]
    for name, step in (("price_scale", spec.tick), ("qty_scale", spec.lot)):
        digits = getattr(spec, name) - getattr(life, name)
        if digits > 0 and step % 10**digits:
            differs.append(name)
    if not differs:
        return None
    name = differs[0]
    return TickhouseError(
        StoreCode.INSTRUMENT_CHANGED, instrument=life.id, symbol=life.symbol, field=name, was=getattr(life, name),
        now=getattr(spec, name),
    )


def _life(row: dict[str, Any]) -> Instrument:
    return Instrument(**{**row, "kind": InstrumentKind(row["kind"])})


def write(client: Client, facts: Sequence[tuple[Instrument, int]]) -> None:
    """Writes lives with the time from which each is known so; of one life and time the last stands."""
    if not facts:
        return
    last = {(life.id, known): life for life, known in facts}
    rows = [
        {name: getattr(life, name) for name in _LIFE} | {"kind": int(life.kind), "ts_known": known}
        for (_, known), life in last.items()
    ]
    writer.insert(client, "instruments", pl.DataFrame(rows))


def _refuse_clash(client: Client, born: list[Instrument]) -> None:
    names = client.query(
        "SELECT id FROM instruments WHERE id IN {ids:Array(UInt32)}"
        " GROUP BY id HAVING uniqExact(venue, symbol) > 1",
        parameters={"ids": [life.id for life in born]},
    ).result_rows
    if names:
        raise TickhouseError(StoreCode.INSTRUMENT_CLASH, instrument=names[0][0])

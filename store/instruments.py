"""Instruments as lives: ids are allocated once, never reused, and rules are facts with validity in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl

from infra.errors import TickhouseError
from market.instrument import Instrument, InstrumentKind, Status, TradingRules
from store import reader, writer
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from market.instrument import InstrumentSpec

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
    return [Instrument(**{**row, "kind": InstrumentKind(row["kind"])}) for row in frame.iter_rows(named=True)]


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


def allocate(client: Client, specs: Iterable[InstrumentSpec]) -> dict[tuple[str, str], int]:
    """Id by (venue, symbol): that of the living instrument, else a new one, which is written.

    INSTRUMENT_CHANGED when the living one cannot express what the venue says now (finer scale, other contract):
    `close` it first. INSTRUMENT_CLASH when another process allocated at the same moment.
    """
    lives = load(client)
    living = {(life.venue, life.symbol): life for life in lives if not life.valid_to}
    next_id = max((life.id for life in lives), default=0) + 1
    ids: dict[tuple[str, str], int] = {}
    born = []
    for spec in specs:
        name = (spec.venue, spec.symbol)
        if life := living.get(name):
            _must_fit(life, spec)
        else:
            life = living[name] = spec.instrument(next_id)
            born.append(life)
            next_id += 1
        ids[name] = life.id
    if born:
        _write(client, born, [life.valid_from for life in born])
        _refuse_clash(client, born)
    return ids


def record(client: Client, specs: Iterable[InstrumentSpec]) -> list[Instrument]:
    """The lives of `specs`, allocated where new, after writing the rules that changed since the last record."""
    specs = list(specs)
    ids = allocate(client, specs)
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
    return [lives[ids[spec.venue, spec.symbol]] for spec in specs]


def close(client: Client, instrument_id: int, valid_to_ns: int, ts_known_ns: int | None = None) -> None:
    """Ends a life; its id stays taken. The same symbol gets a new id at the next `allocate`."""
    life = next(life for life in load(client) if life.id == instrument_id)
    ended = Instrument(**{name: getattr(life, name) for name in _LIFE} | {"valid_to": valid_to_ns})
    _write(client, [ended], [time.time_ns() if ts_known_ns is None else ts_known_ns])


def _rules_of(spec: InstrumentSpec, life: Instrument) -> TradingRules:
    price, qty = 10 ** (life.price_scale - spec.price_scale), 10 ** (life.qty_scale - spec.qty_scale)
    return TradingRules(
        instrument=life.id,
        tick=spec.tick * price,
        lot=spec.lot * qty,
        min_qty=spec.min_qty * qty,
        max_qty=spec.max_qty * qty,
        min_notional=spec.min_notional * price * qty,
        maker_fee_ppm=spec.maker_fee_ppm,
        taker_fee_ppm=spec.taker_fee_ppm,
        status=spec.status,
        valid_from=spec.valid_from,
    )


def _must_fit(life: Instrument, spec: InstrumentSpec) -> None:
    same = ("kind", "base", "quote", "settle", "contract_size")
    differs = [name for name in same if getattr(life, name) != getattr(spec, name)]
    finer = [name for name in ("price_scale", "qty_scale") if getattr(spec, name) > getattr(life, name)]
    if differs or finer:
        name = (differs + finer)[0]
        raise TickhouseError(
            StoreCode.INSTRUMENT_CHANGED,
            instrument=life.id,
            symbol=life.symbol,
            field=name,
            was=getattr(life, name),
            now=getattr(spec, name),
        )


def _write(client: Client, lives: list[Instrument], ts_known: list[int]) -> None:
    rows = [{name: getattr(life, name) for name in _LIFE} for life in lives]
    frame = pl.DataFrame([{**row, "kind": int(row["kind"])} for row in rows])
    writer.insert(client, "instruments", frame.with_columns(ts_known=pl.Series(ts_known, dtype=pl.Int64)))


def _refuse_clash(client: Client, born: list[Instrument]) -> None:
    names = client.query(
        "SELECT id FROM instruments WHERE id IN {ids:Array(UInt32)}"
        " GROUP BY id HAVING uniqExact(venue, symbol) > 1",
        parameters={"ids": [life.id for life in born]},
    ).result_rows
    if names:
        raise TickhouseError(StoreCode.INSTRUMENT_CLASH, instrument=names[0][0])

"""Rows for ClickHouse made from the journal: whoever ships follows the files, the trading process does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from execution.journal import MemorySink, Record, Tail
from execution.messages import CashMove, Entry, decode_entry
from execution.oms import Change, Oms
from ledger.intent import Intent
from ledger.order import OrderEvent, OrderEventKind
from ledger.value import reported
from market.events import Side
from market.instrument import Instrument

Row = dict[str, Any]


class Rows(NamedTuple):
    """Rows by table; `last_seq` is the journal record up to which they go."""

    order_events: list[Row]
    fills: list[Row]
    positions: list[Row]
    last_seq: int


class Shipper:
    """Follows the journal of one account; the same records always give the same rows."""

    def __init__(self, folder: Path, instruments: Iterable[Instrument], account: str, shipped_seq: int = 0) -> None:
        lives = list(instruments)
        self._venues = {life.id: life.venue for life in lives}
        self._oms = Oms(account, lives, MemorySink())
        self._tail = Tail(folder)
        self._shipped = shipped_seq  # records up to here are read for their state but give no rows

    def poll(self, limit: int = 10_000) -> Rows:
        """Rows of the records that came since, of at most `limit` records; tables empty when there are none."""
        events: list[Row] = []
        fills: list[Row] = []
        positions: list[Row] = []
        seq = 0
        for record in self._tail.poll(limit):
            seq = record.seq
            entry = decode_entry(record.payload)
            changes = self._oms.replay(entry)
            if seq <= self._shipped:
                continue
            for change in changes:
                row = self._event(record, entry, change)
                if row is not None:
                    events.append(row)
                if isinstance(change.event, OrderEvent) and change.event.kind == OrderEventKind.FILL:
                    fills += self._fill(change)
                    positions += self._positions(change)
        return Rows(events, fills, positions, seq)

    def _event(self, record: Record, entry: Entry, change: Change) -> Row | None:
        order, event = change.order, change.event
        if isinstance(event, CashMove) or order is None or (event is None and not isinstance(entry, Intent)):
            return None  # nothing happened to an order: cash, or a fill that was booked before
        intent = order.intent
        told = event
        return {
            "account": self._oms.account, "journal_seq": record.seq, "order_id": intent.order_id,
            "ts_event": told.ts_event if told else intent.ts_decision, "ts_known": change.ts,
            "instrument": intent.instrument, "strategy": intent.strategy,
            "event": told.kind.name.lower() if told else "released", "state": order.state.name.lower(),
            "side": intent.side.name.lower(), "price": told.price if told and told.price else intent.price,
            "qty": told.qty if told and told.qty else intent.qty, "filled": order.filled,
            "reason": str(change.code or (told.code if told else "")), "payload": as_json(entry),
            "hash": record.hash.hex(),
        }

    def _fill(self, change: Change) -> list[Row]:
        event = change.event
        if not isinstance(event, OrderEvent) or not change.shares:
            return []
        order = change.order
        instrument = order.intent.instrument if order else event.instrument
        side = order.intent.side if order else event.side
        strategy = change.shares[0].strategy if len(change.shares) == 1 else ""
        return [{
            "venue": self._venues.get(instrument, ""), "account": self._oms.account, "instrument": instrument,
            "trade_id": event.trade_id, "order_id": event.order_id, "side": Side(side).name.lower(),
            "price": event.price, "qty": event.qty, "fee": event.fee, "fee_asset": event.fee_asset,
            "liquidity": event.liquidity.name.lower(), "strategy": strategy,
            "ts_event": event.ts_event, "ts_known": change.ts,
        }]

    def _positions(self, change: Change) -> list[Row]:
        event = change.event
        if not isinstance(event, OrderEvent) or not change.shares:
            return []
        instrument = change.order.intent.instrument if change.order else event.instrument
        held = {"": self._oms.ledger.positions[instrument]}
        held |= {name: sub for name, sub in self._oms.ledger.strategies(instrument) if name}
        return [
            {
                "account": self._oms.account, "instrument": instrument, "strategy": name, "ts_event": event.ts_event,
                "qty": position.qty, "average_price": position.average_price,
                "realised_pnl": reported(position.realised), "fees": reported(position.fees),
                "unrealised_pnl": reported(position.unrealised(event.price)), "mark_price": event.price,
            }
            for name, position in held.items()
        ]


def as_json(entry: Entry) -> str:
    """A journal record for people and queries: named fields, enums by name."""
    return msgspec.json.encode(_named(entry)).decode()


def _named(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        fields = {name: _named(getattr(value, name)) for name in value.__struct_fields__}
        return {"record": type(value).__name__.lower(), **fields}
    if isinstance(value, tuple | list):
        return [_named(item) for item in value]
    return value.name.lower() if isinstance(value, Enum) else value

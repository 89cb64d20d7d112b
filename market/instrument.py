"""Instruments are lives, not symbols: an id is allocated once and never reused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class InstrumentKind(IntEnum):
    """How the contract pays."""

    SPOT = 1
    LINEAR = 2   # perpetual or future, margined and settled in the quote currency
    INVERSE = 3  # margined and settled in the base currency


class Status(IntEnum):
    """Whether the venue takes orders in it."""

    TRADING = 1
    HALTED = 2
    DELISTED = 3


@dataclass(frozen=True, slots=True)
class Instrument:
    """One life of a symbol at a venue; scales never change during it."""

    id: int              # u4, leads every sort key
    venue: str           # "binance"
    symbol: str          # unified: "BTC/USDT" (spot), "BTC/USDT:USDT" (linear)
    venue_symbol: str    # as the venue writes it: "BTCUSDT"
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    price_scale: int     # prices are int64 in 10^-price_scale of the quote currency
    qty_scale: int       # quantities are int64 in 10^-qty_scale of the base (or of contracts)
    contract_size: int   # base units a contract stands for, in 10^-8; 10^8 for spot and linear of size 1
    valid_from: int      # ns: the listing where it is known, else when we first saw it
    valid_to: int = 0    # ns, 0 while alive
    listed: int = 0      # ns: the listing; 0: nobody told, so history may reach back beyond `valid_from`


def market_of(venue: str) -> Instrument:
    """The whole market as instrument 0, for series that belong to no instrument."""
    return Instrument(
        id=0, venue=venue, symbol="", venue_symbol="", kind=InstrumentKind.SPOT, base="", quote="", settle="",
        price_scale=0, qty_scale=0, contract_size=0, valid_from=0,
    )


@dataclass(frozen=True, slots=True)
class TradingRules:
    """What the venue accepts, valid from a time on; integers in the instrument's scales."""

    instrument: int
    tick: int            # price step, 10^-price_scale
    lot: int             # quantity step, 10^-qty_scale
    min_qty: int
    max_qty: int
    min_notional: int    # 10^-(price_scale + qty_scale) of the quote currency
    maker_fee_ppm: int   # parts per million of the notional; negative is a rebate
    taker_fee_ppm: int
    status: Status
    valid_from: int      # ns


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """What a venue says about a symbol, before an id is given to it: an instrument and its rules at one moment."""

    venue: str
    symbol: str
    venue_symbol: str
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    price_scale: int
    qty_scale: int
    contract_size: int   # base units a contract stands for, in 10^-8
    tick: int
    lot: int
    min_qty: int
    max_qty: int         # 0: the venue gives none
    min_notional: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    status: Status
    valid_from: int      # ns: when the venue said so
    listed: int = 0      # ns: when it was listed; 0: the venue does not tell
    delisted: int = 0    # ns: when it was delisted or expired, or will be; 0: neither

    def instrument(self, instrument_id: int) -> Instrument:
        """The life that `instrument_id` stands for, from its listing on where that is known."""
        return Instrument(
            id=instrument_id, venue=self.venue, symbol=self.symbol, venue_symbol=self.venue_symbol, kind=self.kind,
            base=self.base, quote=self.quote, settle=self.settle, price_scale=self.price_scale,
            qty_scale=self.qty_scale, contract_size=self.contract_size, valid_from=self.listed or self.valid_from,
            listed=self.listed,
        )

    def rules(self, instrument_id: int) -> TradingRules:
        """The rules of that life, valid from `valid_from` on."""
        return TradingRules(
            instrument=instrument_id, tick=self.tick, lot=self.lot, min_qty=self.min_qty, max_qty=self.max_qty,
            min_notional=self.min_notional, maker_fee_ppm=self.maker_fee_ppm, taker_fee_ppm=self.taker_fee_ppm,
            status=self.status, valid_from=self.valid_from,
        )

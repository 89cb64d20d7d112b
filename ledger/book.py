"""The book of one account: positions, cash and fees, whole and by strategy. Nobody else adds up a position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from infra.errors import TickhouseError
from ledger.allot import allot
from ledger.errors import LedgerCode
from ledger.intent import Share
from ledger.position import Position
from ledger.value import MONEY_SCALE, Valuation, money, valuation
from market.events import Side
from market.instrument import Instrument, InstrumentKind

EXTERNAL = "external"  # the sub-book of fills that no order of ours made


class Fill(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fill to book; `shares` are signed, sum to the signed quantity and name the strategies."""

    instrument: int
    side: Side
    price: int
    qty: int
    fee: int             # 10^-8 of fee_asset
    fee_asset: str
    shares: tuple[Share, ...]


class Book:
    """Positions and cash of one account, exact, in memory; fed by fills and cash moves in their order.

    `cash` is what changed since the book began, 10^-18 by currency: deposits, realised profit, funding and
    fees, and for spot the two sides of each trade. A linear or inverse position moves cash only when it closes.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._instruments = {instrument.id: instrument for instrument in instruments}
        self._valuations: dict[int, Valuation] = {i: valuation(x) for i, x in self._instruments.items()}
        self.positions: dict[int, Position] = {}
        self.by_strategy: dict[tuple[str, int], Position] = {}
        self._subs: dict[int, dict[str, Position]] = {}  # the same by instrument
        self.cash: dict[str, int] = {}
        self.fees: dict[tuple[str, str], int] = {}  # (strategy, currency): paid, 10^-18
        self._flows: dict[int, int] = {}            # instrument: sum of the values of its fills, for `check`

    def position(self, instrument: int) -> int:
        """Signed quantity held, 0 where there is none."""
        held = self.positions.get(instrument)
        return held.qty if held is not None else 0

    def fill(self, fill: Fill) -> int:
        """Books a fill; gives the profit it realised for the account, 10^-18 of the settlement currency."""
        instrument = self._instrument(fill.instrument)
        sign = 1 if fill.side == Side.BUY else -1
        signed = sign * fill.qty
        if sum(share.qty for share in fill.shares) != signed:
            raise TickhouseError(LedgerCode.LEDGER_SHARES_WRONG, instrument=fill.instrument, qty=signed)
        whole = self._position(fill.instrument)
        value = whole.valuation.value(fill.price, signed)
        profit = whole.fill(signed, value)
        self._flows[fill.instrument] = self._flows.get(fill.instrument, 0) + value
        values = allot(value, [share.qty for share in fill.shares])
        for share, part in zip(fill.shares, values, strict=True):
            self._sub(share.strategy, fill.instrument).fill(share.qty, part)
        if instrument.kind == InstrumentKind.SPOT:
            self._pay(instrument.quote, -value)
            self._pay(instrument.base, signed * 10 ** (MONEY_SCALE - instrument.qty_scale))
        elif profit:
            self._pay(instrument.settle, profit)
        if fill.fee:
            self._fee(fill, whole)
        return profit

    def funding(self, instrument: int, asset: str, amount: int) -> None:
        """Books funding (10^-8 of `asset`, negative when paid), shared by the strategies' positions."""
        total = money(amount)
        self._pay(asset, total)
        whole = self._position(instrument)
        whole.funding += total
        subs = [(key, sub) for key, sub in self.by_strategy.items() if key[1] == instrument and sub.qty]
        if sum(sub.qty for _, sub in subs) == 0:  # flat by now: nobody to share it
            subs = [((EXTERNAL, instrument), self._sub(EXTERNAL, instrument))]
            parts = [total]
        else:
            parts = allot(total, [sub.qty for _, sub in subs])
        for (_, sub), part in zip(subs, parts, strict=True):
            sub.funding += part

    def deposit(self, asset: str, amount: int) -> None:
        """Books a deposit, or with a negative amount a withdrawal; 10^-8 of `asset`."""
        self._pay(asset, money(amount))

    def strategies(self, instrument: int) -> Iterator[tuple[str, Position]]:
        """The sub-books of an instrument."""
        return iter(self._subs.get(instrument, {}).items())

    def check(self) -> None:
        """LEDGER_BROKEN where sub-books do not add up to the whole, or money was made or lost in the adding."""
        for instrument, whole in self.positions.items():
            subs = [position for _, position in self.strategies(instrument)]
            sums = {
                "qty": (sum(sub.qty for sub in subs), whole.qty),
                "flow": (sum(sub.realised - sub.cost for sub in subs), whole.realised - whole.cost),
                "funding": (sum(sub.funding for sub in subs), whole.funding),
                "fees": (sum(sub.fees for sub in subs), whole.fees),
                "value": (whole.cost - whole.realised, self._flows.get(instrument, 0)),
            }
            for name, (found, wanted) in sums.items():
                if found != wanted:
                    raise TickhouseError(
                        LedgerCode.LEDGER_BROKEN, instrument=instrument, what=name, found=found, wanted=wanted
                    )

    def _fee(self, fill: Fill, whole: Position) -> None:
        total = money(fill.fee)
        self._pay(fill.fee_asset, -total)
        settled = fill.fee_asset == whole.valuation.settle
        if settled:
            whole.fees += total
        parts = allot(total, [abs(share.qty) for share in fill.shares])
        for share, part in zip(fill.shares, parts, strict=True):
            key = share.strategy, fill.fee_asset
            self.fees[key] = self.fees.get(key, 0) + part
            if settled:
                self._sub(share.strategy, fill.instrument).fees += part

    def _pay(self, asset: str, amount: int) -> None:
        self.cash[asset] = self.cash.get(asset, 0) + amount

    def _instrument(self, instrument: int) -> Instrument:
        try:
            return self._instruments[instrument]
        except KeyError as error:
            raise TickhouseError(LedgerCode.LEDGER_INSTRUMENT_UNKNOWN, instrument=instrument) from error

    def _position(self, instrument: int) -> Position:
        held = self.positions.get(instrument)
        if held is None:
            self._instrument(instrument)
            held = self.positions[instrument] = Position(self._valuations[instrument])
        return held

    def _sub(self, strategy: str, instrument: int) -> Position:
        key = strategy, instrument
        held = self.by_strategy.get(key)
        if held is None:
            held = self.by_strategy[key] = Position(self._valuations[instrument])
            self._subs.setdefault(instrument, {})[strategy] = held
        return held


"""What an ingest asks of a venue; `venues.ccxt_source.CcxtSource` answers for every venue that ccxt knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from market.bars import Bars
from market.events import Events
from market.funding import FundingRates
from market.instrument import Instrument, InstrumentSpec


class Source(Protocol):
    """History by instrument and time; integers in the scales of the life; [start, end) by `ts_event`, ns."""

    def now(self) -> int:
        """The venue's clock, ns."""
        ...

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentSpec]:
        """What the venue says about these symbols now."""
        ...

    def bars(self, life: Instrument, start: int, end: int) -> Bars:
        """One-minute bars that are closed."""
        ...

    def trades(self, life: Instrument, start: int, end: int) -> Events:
        """Trades; `seq` is the trade id, `ts_recv` when it could have been known."""
        ...

    def funding(self, life: Instrument, start: int, end: int) -> FundingRates:
        """Funding settlements."""
        ...

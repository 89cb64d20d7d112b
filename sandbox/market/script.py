"""The script of the whole market: any bars, trades and funding, of any year, at once and always the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import Code, ExchangeError
from sandbox.market.calendar import FUNDING_NS, GENESIS_NS, HORIZON_DAYS, day_of, day_start
from sandbox.market.fair import Fair
from sandbox.market.noise import Recent
from sandbox.market.specs import LINEAR, SPOT, SymbolSpec, by_key
from sandbox.market.tape import BAR, TRADE, Tape, bars_of, write_tape

FUNDING = np.dtype([("ts_ns", np.int64), ("rate", np.int64), ("mark", np.int64)])
LAST_DAY = HORIZON_DAYS - 2  # a day's noise reaches into the next
Rows = NDArray[np.void]


class Script:
    """The market without its users: a pure function of (seed, market, symbol, time).

    Ids are days since genesis * trades a day + position in the day.
    """

    def __init__(self, seed: int, specs: Sequence[SymbolSpec]) -> None:
        self.seed = seed
        self.specs = by_key(specs)
        self.fair = Fair(seed, specs)
        busiest = max(spec.trades_per_day for spec in specs)
        # A day or two of each symbol at least; more where tapes are short.
        self._tapes = Recent(self._write, max(2 * len(specs), min(40, 2_000_000 // busiest)))
        self._bars = Recent(self._add_up, 400)

    def _write(self, market: str, symbol: str, day: int) -> Tape:
        tape = write_tape(self.fair, self.spec(market, symbol), self.seed, day)
        tape.trades.flags.writeable = False
        return tape

    def _add_up(self, market: str, symbol: str, day: int) -> Rows:
        return bars_of(self.tape(market, symbol, day).trades, self.spec(market, symbol).notional_factor)

    def spec(self, market: str, symbol: str) -> SymbolSpec:
        """The symbol's rules; refused as Binance does when there is none."""
        spec = self.specs.get((market, symbol))
        if spec is None:
            raise ExchangeError(Code.BAD_SYMBOL, "Invalid symbol.")
        return spec

    def tape(self, market: str, symbol: str, day: int) -> Tape:
        """The scripted trades of one day since genesis."""
        return self._tapes(market, symbol, day)

    def _span(self, start_ns: int, end_ns: int, field: str, dtype: np.dtype[np.void],
              of_day: Callable[[int], Rows]) -> Rows:
        first = max(day_of(start_ns), 0)
        last = min(day_of(end_ns - 1), LAST_DAY)
        parts = [of_day(day) for day in range(first, last + 1)]
        if not parts or start_ns >= end_ns:
            return np.empty(0, dtype=dtype)
        low = int(np.searchsorted(parts[0][field], start_ns))
        high = int(np.searchsorted(parts[-1][field], end_ns))
        if len(parts) == 1:
            return parts[0][low:high]
        return np.concatenate([parts[0][low:], *parts[1:-1], parts[-1][:high]])

    def bars(self, market: str, symbol: str, start_ns: int, end_ns: int) -> Rows:
        """Minute bars that open in [start, end)."""
        self.spec(market, symbol)
        return self._span(start_ns, end_ns, "open_ns", BAR, lambda day: self._bars(market, symbol, day))

    def trades(self, market: str, symbol: str, start_ns: int, end_ns: int) -> Rows:
        """Scripted trades in [start, end)."""
        self.spec(market, symbol)
        return self._span(start_ns, end_ns, "ts_ns", TRADE, lambda day: self.tape(market, symbol, day).trades)

    def funding(self, symbol: str, start_ns: int, end_ns: int) -> Rows:
        """Funding settled in [start, end): rate in 10^-8, mark price at that time."""
        spec = self.spec(LINEAR, symbol)
        first = max(start_ns, GENESIS_NS + FUNDING_NS)
        times = range(-(-first // FUNDING_NS) * FUNDING_NS, min(end_ns, day_start(LAST_DAY)), FUNDING_NS)
        rows = np.empty(len(times), dtype=FUNDING)
        for index, ts_ns in enumerate(times):
            rows[index] = (ts_ns, self.fair.rate(symbol, ts_ns), self.fair_price(spec, ts_ns))
        return rows

    def fair_price(self, spec: SymbolSpec, ts_ns: int) -> int:
        """Fair price in the symbol's scale: the mark of a perpetual."""
        return max(1, round(self.fair.at(spec.market, spec.symbol, ts_ns) * spec.price_unit))

    def index_price(self, spec: SymbolSpec, ts_ns: int) -> int:
        """Fair spot price in the perpetual's scale: its index."""
        return max(1, round(self.fair.at(SPOT, spec.symbol, ts_ns) * spec.price_unit))

    def cursor(self, market: str, symbol: str, ts_ns: int) -> int:
        """Id of the first scripted trade at or after `ts_ns`."""
        day = day_of(ts_ns)
        trades = self.tape(market, symbol, day).trades
        return day * self.spec(market, symbol).trades_per_day + int(np.searchsorted(trades["ts_ns"], ts_ns))

"""Where one symbol of one market trades: tape, background, users' book, waiting stops."""

from __future__ import annotations

from sandbox.engine.background import Background, Level
from sandbox.engine.book import Book
from sandbox.engine.prints import Prints
from sandbox.engine.types import Order, Side, SymbolSpec
from sandbox.market.script import Script


def opposite(side: Side) -> Side:
    """The other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


class Floor:
    """The state of one symbol."""

    def __init__(self, script: Script, spec: SymbolSpec, start_ns: int, quote_ns: int) -> None:
        self.spec = spec
        self.prints = Prints(script, spec, script.cursor(spec.market, spec.symbol, start_ns))
        self.background = Background(spec, script.seed, quote_ns)
        self.book = Book()
        self.stops: dict[int, Order] = {}
        self.last = self.low = self.high = 0   # last price; the range of prints not yet shown to the stops
        self.recall(script)

    def recall(self, script: Script) -> None:
        """Stand where the last scripted trade before the cursor left the price."""
        day, position = divmod(max(self.prints.cursor - 1, 0), self.spec.trades_per_day)
        tape = script.tape(self.spec.market, self.spec.symbol, day)
        self.background.bid = int(tape.bid[position])
        self.last = self.low = self.high = int(tape.trades["price"][position])

    def saw(self, price: int) -> None:
        """Note a printed price."""
        self.last = price
        if price < self.low:
            self.low = price
        elif price > self.high:
            self.high = price

    @property
    def is_quiet(self) -> bool:
        """Whether no user's order waits here."""
        return not self.book and not self.stops

    def offered(self, side: Side, now_ns: int) -> list[Level]:
        """Background levels of one side; those that cross a resting user order are about to meet it and not offered."""
        levels = self.background.levels(side, now_ns)
        ladder = self.book.against(side)
        if not ladder:
            return levels
        best = ladder.best()
        if side is Side.SELL:
            return [level for level in levels if level[0] > best]
        return [level for level in levels if level[0] < best]

    def levels(self, side: Side, now_ns: int) -> list[Level]:
        """The whole book's levels of one side, best first."""
        levels = self.offered(side, now_ns)
        ladder = self.book.side(side)
        if not ladder:
            return levels
        merged = dict(levels)
        for price, qty in ladder.levels():
            merged[price] = merged.get(price, 0) + qty
        return sorted(merged.items(), reverse=side is Side.BUY)

    def best_against(self, side: Side, now_ns: int) -> int:
        """The price that an order of this side would meet; 0 when there is none."""
        levels = self.levels(opposite(side), now_ns)
        return levels[0][0] if levels else 0

    def crosses(self, side: Side, price: int, now_ns: int) -> bool:
        """Whether an order at this price would trade at once."""
        best = self.best_against(side, now_ns)
        return best > 0 and (price >= best if side is Side.BUY else price <= best)

    def reachable(self, side: Side, limit: int, now_ns: int) -> int:
        """The quantity that an order of this side meets up to its limit price."""
        return sum(qty for price, qty in self.levels(opposite(side), now_ns)
                   if (price <= limit if side is Side.BUY else price >= limit))

    def cost(self, side: Side, qty: int, now_ns: int) -> int:
        """What a market order of this size would pay or get, 10^-8 quote; of what there is when that is less."""
        total = 0
        for price, size in self.levels(opposite(side), now_ns):
            part = min(size, qty)
            total += part * price
            qty -= part
            if not qty:
                break
        return total * self.spec.notional_factor

    def quantity(self, side: Side, budget: int, now_ns: int) -> int:
        """What a market order with this budget of quote (10^-8) would trade."""
        total, lot = 0, self.spec.lot
        for price, size in self.levels(opposite(side), now_ns):
            unit = price * self.spec.notional_factor
            part = min(size, budget // unit // lot * lot)
            total += part
            budget -= part * unit
            if part < size:
                break
        return total

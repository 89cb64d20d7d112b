"""Users' resting orders in price-time priority."""

from __future__ import annotations

from bisect import bisect_left, insort

from sandbox.engine.types import Order, Side


class Ladder:
    """One side of the book: orders by price, then by arrival."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -1 if side is Side.BUY else 1
        self._ranks: list[int] = []                   # sign * price, best first
        self.changes = 0                              # orders come and gone
        self._queues: dict[int, dict[int, Order]] = {}  # rank -> orders by id, in order of arrival

    def __bool__(self) -> bool:
        return bool(self._ranks)

    def add(self, order: Order) -> None:
        """Put an order behind those at its price."""
        self.changes += 1
        rank = self._sign * order.price
        queue = self._queues.get(rank)
        if queue is None:
            queue = self._queues[rank] = {}
            insort(self._ranks, rank)
        queue[order.id] = order

    def remove(self, order: Order) -> None:
        """Take an order out."""
        self.changes += 1
        rank = self._sign * order.price
        queue = self._queues[rank]
        del queue[order.id]
        if not queue:
            del self._queues[rank]
            del self._ranks[bisect_left(self._ranks, rank)]

    def head(self) -> Order | None:
        """The order that trades next."""
        if not self._ranks:
            return None
        return next(iter(self._queues[self._ranks[0]].values()))

    def best(self) -> int:
        """Best price; 0 when the side is empty."""
        return self._sign * self._ranks[0] if self._ranks else 0

    def reaches(self, price: int) -> bool:
        """Whether the best order trades at `price` or better for the one who comes to it."""
        return bool(self._ranks) and self._ranks[0] <= self._sign * price

    def orders(self) -> list[Order]:
        """All orders, the next to trade first."""
        return [order for rank in self._ranks for order in self._queues[rank].values()]

    def levels(self) -> list[tuple[int, int]]:
        """(price, total quantity), best first."""
        return [(self._sign * rank, sum(order.left for order in self._queues[rank].values())) for rank in self._ranks]


class Book:
    """Both sides."""

    def __init__(self) -> None:
        self.bids = Ladder(Side.BUY)
        self.asks = Ladder(Side.SELL)

    def __bool__(self) -> bool:
        return bool(self.bids) or bool(self.asks)

    @property
    def changes(self) -> int:
        """How many orders have come and gone."""
        return self.bids.changes + self.asks.changes

    def side(self, side: Side) -> Ladder:
        """Where orders of this side rest."""
        return self.bids if side is Side.BUY else self.asks

    def against(self, side: Side) -> Ladder:
        """Whom an order of this side meets."""
        return self.asks if side is Side.BUY else self.bids

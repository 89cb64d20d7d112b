"""What a gateway needs of a venue: a small protocol that paper trading and real venues both fulfil."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from execution.messages import CashMove
from execution.reconcile import Seen, Sighting, VenueFill
from ledger.intent import Intent
from ledger.order import Order


class Verdict(Enum):
    """How a request ended."""

    TAKEN = "taken"        # the venue says that it did it
    REFUSED = "refused"    # the venue says that it did not
    UNKNOWN = "unknown"    # nobody can say: a timeout, a 5xx, a cut connection


@dataclass(frozen=True, slots=True)
class Answer:
    """A request's outcome."""

    verdict: Verdict
    code: str = ""         # why refused, one of ours
    detail: str = ""       # in the venue's words
    venue_order_id: str = ""
    filled: bool = False   # the answer says that some of it has traded already


@dataclass(frozen=True, slots=True)
class Account:
    """What the venue holds of the account."""

    positions: Mapping[int, int]            # signed, by instrument; flat ones may be missing
    entry_prices: Mapping[int, int]         # of those positions, where the venue tells
    balances: Mapping[str, int]             # 10^-8 of each asset


class Ears(Protocol):
    """Where a port brings its news."""

    on_failure: Callable[[BaseException], None]  # the gateway ends: cancels what works, and says why

    def on_fill(self, fill: VenueFill) -> None:
        """A trade of our account."""

    def on_sighting(self, client_order_id: str, seen: Seen) -> None:
        """An order's state changed."""

    def on_cash(self, move: CashMove) -> None:
        """Funding and the like."""

    def on_reconnect(self) -> None:
        """News may have been missed: look everything up."""


class Port(Protocol):
    """A venue account."""

    kind: str
    arrival_window_ns: int   # a request that has not arrived by then never will

    async def start(self, ears: Ears, open_orders: list[Order]) -> None:
        """Connects; from now on news comes to `ears`. `open_orders` are those we believe to be open."""

    async def stop(self) -> None:
        """Disconnects."""

    async def place(self, intent: Intent) -> Answer:
        """Sends an order, once: never retried here."""

    async def cancel(self, order: Order) -> Answer:
        """Asks for a cancel."""

    async def look_up(self, order: Order) -> Sighting:
        """What the venue knows of the order, by our id, with all its fills."""

    async def fills_since(self, since_ns: int) -> list[VenueFill] | None:
        """The account's trades from `since_ns` on, whoever made them; None when the venue does not answer."""

    async def account(self) -> Account | None:
        """Positions and balances; None when the venue does not answer."""

    async def venue_time(self) -> int | None:
        """The venue's clock, ns; None when it does not answer or has none."""


def listening(work: Coroutine[Any, Any, None], ears: Ears) -> asyncio.Task[None]:
    """A task that hears for ever; should it fail, the gateway ends instead of going on deaf."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            ears.on_failure(error)

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task

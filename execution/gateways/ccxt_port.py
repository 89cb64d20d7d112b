"""A venue account through ccxt: orders by REST, news by the private stream, everything else by looking it up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from execution.gateways import ccxt_words as words
from execution.gateways.port import Account, Answer, Ears, Verdict, listening
from execution.messages import CashKind, CashMove
from execution.reconcile import NotFound, Seen, Sighting, Unreachable, VenueFill
from infra.errors import TickhouseError
from ledger.intent import Intent
from ledger.order import Order
from ledger.value import REPORT_SCALE
from market.instrument import Instrument, InstrumentKind
from market.rounding import rescale, to_int
from venues.exchange import exchange_config
from venues.websocket import Backoff

log = structlog.get_logger()

_RECV_WINDOW_MS = 5_000
_PAUSES = Backoff(first_s=0.5, longest_s=10.0)  # a venue that is down, or has banned us, is not hammered
_FUNDING_S = 60.0
_LOOK_BACK_MS = 60_000
_ENTRY_SCALE = 12
# What ccxt's parsers raise on JSON of an unexpected shape; the answer is then no answer.
_UNREADABLE = (TypeError, KeyError, AttributeError, IndexError, ValueError, TickhouseError)


class CcxtPort:
    """One account at one ccxt venue. `make` gives a `ccxt.pro` exchange whose numbers are strings; it takes seconds."""

    kind = "ccxt"
    # The venue refuses a request that arrives later than recvWindow after its timestamp; the rest is for clocks.
    arrival_window_ns = (_RECV_WINDOW_MS + 2_000) * words.MS

    def __init__(self, make: Callable[[], Any], instruments: Iterable[Instrument]) -> None:
        self._make = make
        self._exchange: Any = None
        self._by_id = {life.id: life for life in instruments}
        self._by_symbol = {life.symbol: life for life in self._by_id.values()}
        self._tasks: list[asyncio.Task[None]] = []
        self._ears: Ears | None = None

    async def start(self, ears: Ears, open_orders: list[Order]) -> None:
        """Loads the markets (retried until the venue answers) and listens."""
        import ccxt

        del open_orders
        # Importing ccxt takes seconds: in a thread, so that the flow and the dead man's switch are served meanwhile.
        self._exchange = await asyncio.to_thread(self._make)
        self._ears = ears
        failures = 0
        while True:
            try:
                await self._exchange.load_markets()
                break
            except (ccxt.BaseError, *_UNREADABLE) as error:
                log.warning("venue does not answer, trying again", error=f"{type(error).__name__}: {error}"[:300])
                failures += 1
                await asyncio.sleep(_PAUSES.pause(failures))
        has = self._exchange.has
        if has.get("watchMyTrades") and has.get("watchOrders"):
            self._tasks.append(listening(self._watch(self._exchange.watch_my_trades, self._hear_trade), ears))
            self._tasks.append(listening(self._watch(self._exchange.watch_orders, self._hear_order), ears))
        else:
            self._tasks.append(listening(self._poll(), ears))
        if has.get("fetchFundingHistory"):
            self._tasks.append(listening(self._funding(), ears))

    async def stop(self) -> None:
        """Closes every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._exchange is not None:
            await self._exchange.close()

    async def place(self, intent: Intent) -> Answer:
        """One request, never repeated."""
        import ccxt

        instrument = self._by_id[intent.instrument]
        symbol, kind, side, amount, price, params = words.order_arguments(intent, instrument)
        try:
            order = await self._exchange.create_order(symbol, kind, side, amount, price, params)
            sight = words.seen(order, instrument, [])
        except ccxt.BaseError as error:
            return words.judge(error)
        except _UNREADABLE as error:
            return Answer(Verdict.UNKNOWN, detail=repr(error)[:300])
        done = sight.filled > 0 or order.get("status") != "open"
        return Answer(Verdict.TAKEN, venue_order_id=sight.venue_order_id, filled=done)

    async def cancel(self, order: Order) -> Answer:
        """One request by our id."""
        import ccxt

        instrument = self._by_id[order.intent.instrument]
        try:
            await self._exchange.cancel_order(None, instrument.symbol, {"clientOrderId": order.intent.order_id})
        except ccxt.OrderNotFound as error:
            return Answer(Verdict.REFUSED, detail=str(error)[:300])
        except ccxt.BaseError as error:
            return Answer(Verdict.UNKNOWN, detail=str(error)[:300])
        return Answer(Verdict.TAKEN)

    async def look_up(self, order: Order) -> Sighting:
        """The order by our id, and its trades where we lack some."""
        import ccxt

        instrument = self._by_id[order.intent.instrument]
        try:
            params = {"clientOrderId": order.intent.order_id}
            found = await self._exchange.fetch_order(None, instrument.symbol, params)
            sight = words.seen(found, instrument, [])
            if sight.filled == order.filled:
                return sight
            since = max(0, order.intent.ts_decision // words.MS - _LOOK_BACK_MS)
            trades = await self._exchange.fetch_my_trades(
                instrument.symbol, since, None, {"orderId": sight.venue_order_id}
            )
            fills = [words.fill(t, instrument) for t in trades if str(t["order"]) == sight.venue_order_id]
            return words.seen(found, instrument, fills)
        except ccxt.OrderNotFound:
            return NotFound()
        except (ccxt.BaseError, *_UNREADABLE) as error:
            return Unreachable(str(error)[:300])

    async def fills_since(self, since_ns: int) -> list[VenueFill] | None:
        """The account's trades in all our instruments."""
        import ccxt

        fills: list[VenueFill] = []
        try:
            for instrument in self._by_id.values():
                trades = await self._exchange.fetch_my_trades(instrument.symbol, since_ns // words.MS)
                fills += [words.fill(trade, instrument) for trade in trades]
        except (ccxt.BaseError, *_UNREADABLE) as error:
            log.warning("trades could not be fetched", error=str(error)[:200])
            return None
        return fills

    async def account(self) -> Account | None:
        """Positions and balances; spot has balances only."""
        import ccxt

        positions: dict[int, int] = {}
        entries: dict[int, int] = {}
        unrealised: dict[str, int] = {}
        try:
            if any(life.kind != InstrumentKind.SPOT for life in self._by_id.values()):
                for row in await self._exchange.fetch_positions():
                    life = self._by_symbol.get(str(row["symbol"]))
                    if life is None:
                        continue
                    sign = -1 if row["side"] == "short" else 1
                    positions[life.id] = sign * to_int(str(row["contracts"] or "0"), life.qty_scale)
                    entry = to_int(str(row["entryPrice"] or "0"), _ENTRY_SCALE)
                    entries[life.id] = rescale(entry, _ENTRY_SCALE, life.price_scale)
                    profit = to_int(str(row.get("unrealizedPnl") or "0"), REPORT_SCALE)
                    unrealised[life.settle] = unrealised.get(life.settle, 0) + profit
            balance = await self._exchange.fetch_balance()
            return Account(positions, entries, words.wallet(balance, unrealised))
        except (ccxt.BaseError, *_UNREADABLE) as error:
            log.warning("account could not be read", error=str(error)[:200])
            return None

    async def venue_time(self) -> int | None:
        """By REST, where the venue has it."""
        import ccxt

        if self._exchange is None or not self._exchange.has.get("fetchTime"):
            return None
        try:
            return int(await self._exchange.fetch_time()) * words.MS
        except (ccxt.BaseError, *_UNREADABLE):
            return None

    # News

    def _hear_trade(self, trade: dict[str, Any]) -> None:
        life = self._by_symbol.get(str(trade["symbol"]))
        if life is not None and self._ears is not None:
            self._ears.on_fill(words.fill(trade, life))

    def _hear_order(self, order: dict[str, Any]) -> None:
        life = self._by_symbol.get(str(order["symbol"]))
        ours = words.client_id(order)
        if life is not None and ours and self._ears is not None:
            sight: Seen = words.seen(order, life, [])
            self._ears.on_sighting(ours, sight)

    async def _watch(
        self, listen: Callable[[], Awaitable[list[dict[str, Any]]]], hear: Callable[[dict[str, Any]], None]
    ) -> None:
        """Hears for ever; after a break everything open is looked up, because news was missed."""
        import ccxt

        failures = 0
        while True:
            try:
                for record in await listen():
                    failures = 0
                    hear(record)
            except (ccxt.BaseError, *_UNREADABLE) as error:
                log.warning("private stream broke, listening again", error=str(error)[:200])
                failures += 1
                await asyncio.sleep(_PAUSES.pause(failures))
                if self._ears is not None:
                    self._ears.on_reconnect()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._ears is not None:
                self._ears.on_reconnect()

    async def _funding(self) -> None:
        import ccxt

        while True:
            try:
                since = self._exchange.milliseconds() - 86_400_000
                for row in await self._exchange.fetch_funding_history(None, since):
                    life = self._by_symbol.get(str(row["symbol"]))
                    if life is not None and self._ears is not None:
                        amount = to_int(str(row["amount"]), REPORT_SCALE)
                        self._ears.on_cash(CashMove(
                            CashKind.FUNDING, f"{life.venue_symbol}-{row['id']}", int(row["timestamp"]) * words.MS,
                            str(row["code"]), amount, life.id,
                        ))
            except (ccxt.BaseError, *_UNREADABLE) as error:  # asked again: each payment is booked once
                log.warning("funding could not be read", error=str(error)[:200])
            await asyncio.sleep(_FUNDING_S)


def make_pro_exchange(name: str, sandbox_url: str | None, key: str, secret: str, market: str) -> Any:
    """An asynchronous ccxt exchange with streams, exact numbers, and no repeating of requests by itself."""
    import ccxt.pro

    config = exchange_config(name, sandbox_url, key, secret, market)
    config["timeout"] = _RECV_WINDOW_MS
    config["options"] |= {
        "recvWindow": _RECV_WINDOW_MS, "maxRetriesOnFailure": 0,
        # We ask for both ourselves; ccxt's own snapshot of positions cannot take exact numbers.
        "watchPositions": {"fetchPositionsSnapshot": False}, "watchBalance": {"fetchBalanceSnapshot": False},
    }
    exchange = getattr(ccxt.pro, name)(config)
    exchange.number = str
    return exchange

"""In which unit a venue tells the volume of a contract's bars."""

from __future__ import annotations

from typing import Any

# Their candles tell the volume in the unit of their lots first; of some contracts ccxt takes the coins instead.
_CONTRACTS_FIRST = ("binance", "bybit", "okx", "myokx")


def count_contracts(exchange: Any) -> None:
    """Makes the volume of a contract's bars be in the unit of its trades, where ccxt takes another one."""
    own = exchange.parse_ohlcv
    if exchange.id == "deribit":
        table = exchange.convert_trading_view_to_ohlcv

        def rows_of(columns: dict[str, Any], *names: Any) -> list[list[Any]]:
            rows = table(columns, *names)
            costs = columns.get("cost") or [None] * len(rows)
            return [[*row, cost] for row, cost in zip(rows, costs, strict=True)]

        def in_dollars(row: Any, market: dict[str, Any] | None = None) -> Any:
            # An inverse contract is ordered and traded in dollars, which this venue calls cost.
            inverse = market is not None and market.get("inverse") and len(row) > 6
            return own([*row[:5], row[6]] if inverse else row, market)

        exchange.convert_trading_view_to_ohlcv, exchange.parse_ohlcv = rows_of, in_dollars
    elif exchange.id.startswith(_CONTRACTS_FIRST):

        def first_told(row: Any, market: dict[str, Any] | None = None) -> Any:
            return own(row, market if market is None else {**market, "inverse": False, "type": "spot"})

        exchange.parse_ohlcv = first_told

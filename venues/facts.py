"""What is known about each venue's history, so that no check has to guess."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Habits of one venue; the defaults are those of most."""

    funding_hours: tuple[int, ...] = (0, 8, 16)  # UTC hours at which funding may be settled; () for each hour
    bar_stamp_end: bool = False            # its own files stamp a bar at its end
    opens_at_previous_close: bool = False  # so that high and low need not hold the open
    omits_empty_minutes: bool = False      # a minute without a trade has no bar
    trade_ids_dense: bool = False          # ids count one symbol's trades without a hole
    identical_trades: bool = False         # distinct trades that agree in every column are genuine
    null_trades: bool = False              # trades of price 0 and quantity 0 are genuine and mean nothing


_FACTS = {
    # Price-0, quantity-0 trades occur on its futures; aggregate trade ids are dense by symbol.
    "binance": Facts(trade_ids_dense=True, null_trades=True),
    "bitmex": Facts(bar_stamp_end=True, opens_at_previous_close=True, funding_hours=(4, 12, 20)),
    "coinbase": Facts(omits_empty_minutes=True, trade_ids_dense=True, funding_hours=()),
    "dydx": Facts(funding_hours=()),
    "kraken": Facts(omits_empty_minutes=True, identical_trades=True, funding_hours=()),
}


def of(venue: str) -> Facts:
    """The venue's facts; the defaults for a venue that we know nothing special about."""
    return _FACTS.get(venue, Facts())

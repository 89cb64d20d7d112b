"""What is known about each venue's history, so that no check has to guess."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Habits of one venue; the defaults are those of most."""

    funding_hours: tuple[int, ...] = (0, 8, 16)  # UTC hours at which funding may be settled; () for each hour
    funding_step_h: int = 0                # hours between two settlements; 0: as the funding hours say
    funding_documented: bool = False       # the venue says so itself: a settlement at another hour is a wrong stamp
    bar_stamp_end: bool = False            # its own files stamp a bar at its end
    opens_at_previous_close: bool = False  # so that high and low need not hold the open
    omits_empty_minutes: bool = False      # a minute without a trade has no bar
    trade_ids_dense: bool = False          # ids count one symbol's trades without a hole
    identical_trades: bool = False         # distinct trades that agree in every column are genuine
    null_trades: bool = False              # trades of price 0 and quantity 0 are genuine and mean nothing

    @property
    def funding_grid_h(self) -> int:
        """Hours between two moments at which funding may be settled."""
        return 24 // len(self.funding_hours) if self.funding_hours else 1

    @property
    def funding_usual_h(self) -> int:
        """Hours between two settlements of most contracts."""
        return self.funding_step_h or self.funding_grid_h


_EIGHT_HOURLY = Facts(funding_documented=True)
# Older contracts settle at 4, 12 and 20, newer ones at 0, 8 and 16.
_KUCOIN = Facts(
    omits_empty_minutes=True, funding_hours=(0, 4, 8, 12, 16, 20), funding_step_h=8, funding_documented=True
)
_FACTS = {
    # Price-0, quantity-0 trades occur on its futures; trade ids, aggregate ones too, are dense by symbol.
    # Settles at 0, 8 and 16, some contracts every four or two hours or each hour of the same grid.
    "binance": Facts(trade_ids_dense=True, null_trades=True, funding_documented=True),
    "binanceusdm": Facts(trade_ids_dense=True, null_trades=True, funding_documented=True),
    "binancecoinm": Facts(trade_ids_dense=True, null_trades=True, funding_documented=True),
    "bitfinex": _EIGHT_HOURLY,
    "bitget": _EIGHT_HOURLY,
    "bitmex": Facts(
        bar_stamp_end=True, opens_at_previous_close=True, funding_hours=(4, 12, 20), funding_documented=True
    ),
    "bitstamp": Facts(omits_empty_minutes=True),
    "bybit": _EIGHT_HOURLY,
    "coinbase": Facts(omits_empty_minutes=True, trade_ids_dense=True, funding_hours=()),
    "dydx": Facts(funding_hours=(), funding_documented=True),
    "gate": _EIGHT_HOURLY,
    "gateio": _EIGHT_HOURLY,
    "htx": _EIGHT_HOURLY,
    "hyperliquid": Facts(funding_hours=(), funding_documented=True),
    "kraken": Facts(omits_empty_minutes=True, identical_trades=True, funding_hours=()),
    "krakenfutures": Facts(funding_hours=(), funding_documented=True),
    "kucoin": _KUCOIN,
    "kucoinfutures": _KUCOIN,
    "mexc": _EIGHT_HOURLY,
    "okx": _EIGHT_HOURLY,
}


def of(venue: str) -> Facts:
    """The venue's facts; the defaults for a venue that we know nothing special about."""
    return _FACTS.get(venue, Facts())


def venues() -> dict[str, Facts]:
    """Every venue of which something is known, by name."""
    return dict(sorted(_FACTS.items()))

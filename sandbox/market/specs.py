"""What is traded: filters, fees and the parameters of each symbol's script."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

SPOT = "spot"
LINEAR = "linear"
MARKETS = (SPOT, LINEAR)
QUOTE_SCALE = 8  # every balance is an int in 10^-8 of its asset


class SymbolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol in one market; prices in 10^-price_scale, quantities in 10^-qty_scale, balances in 10^-8."""

    market: str
    symbol: str
    base: str
    quote: str = "USDT"
    price_scale: int
    qty_scale: int
    tick: int = 1
    lot: int = 1
    min_price: int = 1
    max_price: int
    min_qty: int = 1
    max_qty: int
    market_max_qty: int
    min_notional: int          # 10^-8 of the quote asset
    band_up_ppm: int           # a buy above last * this, or (linear: any order) is refused
    band_down_ppm: int
    max_orders: int = 200
    max_stop_orders: int = 10
    maker_ppm: int
    taker_ppm: int
    max_leverage: int = 1
    maintenance_ppm: int = 0   # of the position's notional at mark
    # the script
    price: float               # the level around which years of prices wander, in quote units
    daily_vol: float           # standard deviation of a day's log return
    beta: float                # share of volatility from the factor common to all
    alt: float                 # share from the factor common to all but the leader
    trades_per_day: int = 14_400
    trade_notional: float      # median size of a scripted trade, in quote units
    spread: int                # ticks between the background's best bid and ask
    level_step: int            # ticks between the background's deeper levels
    level_notional: float      # mean size of a background level, in quote units

    @property
    def key(self) -> tuple[str, str]:
        """`(market, symbol)`."""
        return self.market, self.symbol

    @property
    def price_unit(self) -> int:
        """1 of the quote asset as a scaled price."""
        return int(10**self.price_scale)

    @property
    def qty_unit(self) -> int:
        """1 of the base asset as a scaled quantity."""
        return int(10**self.qty_scale)

    @property
    def notional_factor(self) -> int:
        """What turns price * qty (both scaled) into 10^-8 of the quote asset."""
        return int(10 ** (QUOTE_SCALE - self.price_scale - self.qty_scale))

    @property
    def qty_factor(self) -> int:
        """What turns a scaled quantity into 10^-8 of the base asset."""
        return int(10 ** (QUOTE_SCALE - self.qty_scale))


class _Coin(msgspec.Struct, frozen=True):
    base: str
    price: float
    daily_vol: float
    beta: float
    alt: float
    spot: tuple[int, int]    # decimals of tick and of lot
    linear: tuple[int, int]
    trade_notional: float
    steps: tuple[int, int]   # ticks between levels, spot and linear


_COINS = (
    _Coin("BTC", 64_000.0, 0.024, 0.90, 0.0, (2, 5), (1, 3), 700.0, (250, 25)),
    _Coin("ETH", 3_200.0, 0.031, 0.80, 0.35, (2, 4), (2, 3), 500.0, (15, 15)),
    _Coin("SOL", 150.0, 0.041, 0.66, 0.45, (2, 3), (2, 2), 260.0, (2, 2)),
    _Coin("BNB", 590.0, 0.026, 0.70, 0.30, (2, 3), (2, 2), 300.0, (3, 3)),
    _Coin("XRP", 2.2, 0.034, 0.62, 0.40, (4, 1), (4, 1), 220.0, (2, 2)),
)


def _spec(coin: _Coin, market: str, trades_per_day: int) -> SymbolSpec:
    spot = market == SPOT
    price_scale, qty_scale = coin.spot if spot else coin.linear
    unit = 10**qty_scale
    max_qty = int(9_000_000 / coin.price + 1) * unit
    return SymbolSpec(
        market=market, symbol=f"{coin.base}USDT", base=coin.base, price_scale=price_scale, qty_scale=qty_scale,
        max_price=int(coin.price * 100) * 10**price_scale, max_qty=max_qty, market_max_qty=max_qty // 5,
        min_notional=(5 if spot or coin.base != "BTC" else 100) * 10**QUOTE_SCALE,
        band_up_ppm=5_000_000 if spot else 1_050_000, band_down_ppm=200_000 if spot else 950_000,
        maker_ppm=1_000 if spot else 200, taker_ppm=1_000 if spot else 500,
        max_stop_orders=5 if spot else 10,
        max_leverage=1 if spot else 125, maintenance_ppm=0 if spot else 5_000,
        price=coin.price, daily_vol=coin.daily_vol, beta=coin.beta, alt=coin.alt, trades_per_day=trades_per_day,
        trade_notional=coin.trade_notional, spread=1, level_step=coin.steps[0 if spot else 1],
        level_notional=coin.trade_notional * 40,
    )


def default_specs(trades_per_day: int = 14_400) -> tuple[SymbolSpec, ...]:
    """Five symbols in both markets; `trades_per_day` is the rate of the scripted tape (each symbol)."""
    return tuple(_spec(coin, market, trades_per_day) for market in MARKETS for coin in _COINS)


def by_key(specs: Sequence[SymbolSpec]) -> dict[tuple[str, str], SymbolSpec]:
    """The specs by `(market, symbol)`."""
    return {spec.key: spec for spec in specs}

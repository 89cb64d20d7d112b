"""From risk units to quantity: only this module sizes a position.

One whole risk unit is the position whose value swings by `sizing.daily_volatility` of equity in a usual day.
"""

from __future__ import annotations

import math

from market.instrument import Instrument, InstrumentKind, TradingRules
from risk.limits import InstrumentLimits, Limits
from risk.units import PPM


def size(
    risk_units: float,
    equity: int,
    volatility: float,
    limits: Limits,
    instrument: Instrument,
    rules: TradingRules,
    price: int,
) -> int:
    """Signed quantity to hold, in the instrument's scale, rounded to the lot towards zero.

    `equity` in 10^-8, `volatility` the standard deviation of the instrument's daily return. Never beyond
    `max_position`. 0 where a figure is missing, not finite or not positive: no position rather than a wrong one.
    """
    if equity <= 0 or price <= 0 or not (math.isfinite(risk_units) and math.isfinite(volatility)) or volatility <= 0:
        return 0
    units = min(1.0, max(-1.0, risk_units))
    budget = abs(units) * equity * limits.sizing.daily_volatility / PPM
    value = min(int(budget / volatility), limits.instrument(instrument.symbol).max_position)
    qty = _quantity(value, instrument, rules, price)
    return qty if units > 0 else -qty


def largest_order(limits: InstrumentLimits, instrument: Instrument, rules: TradingRules, price: int) -> int:
    """Largest quantity that one order may have at `price`: what slicing works with. 0 without a price."""
    if price <= 0:
        return 0
    qty = _quantity(limits.max_order_notional, instrument, rules, price)
    return min(qty, rules.max_qty - rules.max_qty % rules.lot) if rules.max_qty else qty


def _quantity(value: int, instrument: Instrument, rules: TradingRules, price: int) -> int:
    """Whole lots that `value` (10^-8 of the quote currency) buys."""
    # value / (contract size x price), each in its scale; contract sizes and money share theirs. Whole numbers only.
    value, per_unit = value * 10**instrument.qty_scale, instrument.contract_size
    if instrument.kind is not InstrumentKind.INVERSE:
        value, per_unit = value * 10**instrument.price_scale, per_unit * price
    qty = value // per_unit
    return qty - qty % rules.lot

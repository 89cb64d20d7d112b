"""Every rule of the checks between datasets, for those who list them."""

from __future__ import annotations

from quality.cross import (
    bar_stamp,
    bars_against_trades,
    cross_venue,
    funding_grid,
    intervals,
    mark_price,
    silent_minutes,
    symbol_reuse,
    volume_against_trades,
)
from quality.rule import DayRule

RULES: tuple[DayRule, ...] = (
    bars_against_trades.RULE, volume_against_trades.RULE, bar_stamp.RULE, silent_minutes.RULE, intervals.PRICES,
    intervals.VOLUME, cross_venue.APART, cross_venue.ABSURD, symbol_reuse.RULE,
    funding_grid.RULE, mark_price.RULE,
)

"""Every figure of the risk report, from holdings and history; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.risk_report_portfolio import History, Holdings
from infra.errors import TickhouseError
from risk import optimise, var
from risk.correlation import average, correlation
from risk.drawdown import Drawdown, drawdown
from risk.errors import RiskCode
from risk.exposure import Exposure
from risk.level import Level
from risk.limits import Limits
from risk.monitors import Usage, exposure_usages, level_of, position_usages
from risk.returns import Floats
from risk.stress import Scenario, StressResult, apply
from risk.units import MONEY_SCALE
from risk.var.figure import TailFigure

PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the page shows. Fractions are of gross exposure, money is in the holdings' currency."""

    holdings: Holdings
    history: History
    values: Mapping[str, float]
    returns: Floats                             # of the present positions on past days
    tails: Sequence[TailFigure]
    fall: Drawdown
    correlations: Floats
    stress: Sequence[StressResult]
    weights: Mapping[str, Mapping[str, float]]  # by method, PRESENT first; shares of gross exposure
    usages: Sequence[tuple[Usage, Level]]
    warning_at: int                             # ppm of a limit
    notes: Sequence[str]

    @property
    def gross(self) -> float:
        """Sum of absolute position values."""
        return sum(abs(value) for value in self.values.values())

    @property
    def net(self) -> float:
        """Sum of signed position values."""
        return sum(self.values.values())

    @property
    def average_correlation(self) -> float:
        """Mean of the pairs."""
        return average(self.correlations)

    def tail(self, method: str, confidence: float, horizon_days: int) -> TailFigure:
        """One cell of the VaR table."""
        wanted = (method, confidence, horizon_days)
        return next(one for one in self.tails if (one.method, one.confidence, one.horizon_days) == wanted)


def compute(holdings: Holdings, past: History, limits: Limits, scenarios: Sequence[Scenario]) -> Figures:
    """The figures; errors of `risk` where a figure cannot be had, but an optimiser that fails is only noted."""
    notes: list[str] = []
    values = {symbol: value / 10**MONEY_SCALE for symbol, value in holdings.values.items()}
    gross = sum(abs(value) for value in values.values())
    asset_returns = past.returns
    weights = {symbol: value / gross for symbol, value in values.items()}
    returns = asset_returns @ [weights[symbol] for symbol in past.symbols]
    tails = var.table(returns)
    worst = int(returns.argmin())
    replay = Scenario(
        f"Worst day in the data, {past.days[worst + 1]}",
        dict(zip(past.symbols, asset_returns[worst].tolist(), strict=True)),
    )
    if holdings.model:
        notes.append(
            f"The account holds no position at the end of the day: this is a model portfolio of "
            f"{gross:,.0f} {holdings.currency}, equal weights."
        )
    if past.carried:
        notes.append(f"{past.carried} closing prices are those of the day before: nothing traded on these days.")
    notes += _doubts(tails, len(returns))
    return Figures(
        holdings=holdings,
        history=past,
        values=values,
        returns=returns,
        tails=tails,
        fall=drawdown(returns),
        correlations=correlation(asset_returns),
        stress=[apply(scenario, values) for scenario in (*scenarios, replay)],
        weights={PRESENT: weights, **_optimal(asset_returns, past.symbols, notes)},
        usages=[(usage, level_of(usage, limits.warning_at)) for usage in _usages(holdings, past, limits, tails)],
        warning_at=limits.warning_at,
        notes=notes,
    )


def _optimal(returns: Floats, symbols: Sequence[str], notes: list[str]) -> dict[str, dict[str, float]]:
    found = {}
    for method in optimise.METHODS:
        try:
            found[method] = optimise.weights(method, returns, symbols)
        except TickhouseError as error:
            if error.code is not RiskCode.RISK_OPTIMISATION_FAILED:
                raise
            notes.append(f"No weights by {method.replace('_', ' ')}: {error.code.meaning}.")
    return found


def _usages(holdings: Holdings, past: History, limits: Limits, tails: Sequence[TailFigure]) -> list[Usage]:
    exposure = Exposure(limits, past.lives)
    for life in past.lives:
        exposure.set(life.id, holdings.values[life.symbol])
    gross = sum(abs(value) for value in holdings.values.values())
    at_risk = max(one.value_at_risk for one in tails if (one.confidence, one.horizon_days) == (0.99, 1))
    return [
        Usage("portfolio.max_value_at_risk", round(at_risk * gross), limits.portfolio.max_value_at_risk),
        *exposure_usages(exposure),
        *position_usages(limits, holdings.values),
    ]


def _doubts(tails: Sequence[TailFigure], rows: int) -> list[str]:
    notes = []
    short = sorted({one.confidence for one in tails if one.method == "historical" and not one.reliable})
    if short:
        levels = " and ".join(f"{confidence:.0%}" for confidence in short)
        notes.append(f"{rows} days are too few for a historical tail at {levels}: the worst day stands for it.")
    if any(one.method == "cornish_fisher" and not one.reliable for one in tails):
        notes.append(
            "Cornish-Fisher figures marked * are outside the range of skewness and kurtosis where the expansion holds."
        )
    return notes

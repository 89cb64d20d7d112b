"""Portfolio weights by riskfolio-lib: what a report sets beside the present ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from infra.errors import TickhouseError
from risk.errors import RiskCode
from risk.returns import matrix

if TYPE_CHECKING:
    import pandas as pd

TAIL = 0.05


def weights(method: str, returns: ArrayLike, names: Sequence[str]) -> dict[str, float]:
    """Long-only weights that add up to 1, by name; a column an asset, a row a day.

    RISK_OPTIMISATION_FAILED where the solver finds none (an asset that never moved, fewer rows than assets).
    """
    import pandas as pd

    values = matrix(returns)
    if values.shape[1] != len(names):
        raise TickhouseError(RiskCode.RISK_RETURNS_INVALID, assets=values.shape[1], names=len(names))
    if method not in METHODS:
        raise TickhouseError(RiskCode.RISK_PARAMETER_INVALID, method=method, wanted="|".join(METHODS))
    if len(names) == 1:
        return {names[0]: 1.0}
    if (values.std(axis=0) == 0.0).any() or values.shape[0] <= values.shape[1]:
        raise TickhouseError(RiskCode.RISK_OPTIMISATION_FAILED, method=method, rows=values.shape[0])
    found = METHODS[method](pd.DataFrame(values, columns=list(names)))
    if found is None:
        raise TickhouseError(RiskCode.RISK_OPTIMISATION_FAILED, method=method, rows=values.shape[0])
    column = found["weights"].reindex(list(names)).to_numpy(dtype=float)
    if not np.isfinite(column).all() or column.sum() <= 0.0:
        raise TickhouseError(RiskCode.RISK_OPTIMISATION_FAILED, method=method, rows=values.shape[0])
    column = np.maximum(column, 0.0)
    return dict(zip(names, (column / column.sum()).tolist(), strict=True))


def _hierarchical_risk_parity(returns: pd.DataFrame) -> pd.DataFrame | None:
    import riskfolio

    portfolio = riskfolio.HCPortfolio(returns=returns)
    found: pd.DataFrame | None = portfolio.optimization(
        model="HRP", codependence="pearson", rm="MV", linkage="single", leaf_order=True
    )
    return found


def _least_expected_shortfall(returns: pd.DataFrame) -> pd.DataFrame | None:
    portfolio = _portfolio(returns)
    found: pd.DataFrame | None = portfolio.optimization(model="Classic", rm="CVaR", obj="MinRisk", hist=True)
    return found


def _risk_parity(returns: pd.DataFrame) -> pd.DataFrame | None:
    found: pd.DataFrame | None = _portfolio(returns).rp_optimization(model="Classic", rm="MV", hist=True)
    return found


def _portfolio(returns: pd.DataFrame) -> Any:
    import riskfolio

    portfolio = riskfolio.Portfolio(returns=returns, alpha=TAIL)
    portfolio.assets_stats(method_mu="hist", method_cov="hist")
    return portfolio


METHODS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame | None]] = MappingProxyType(
    {
        "hierarchical_risk_parity": _hierarchical_risk_parity,
        "least_expected_shortfall": _least_expected_shortfall,
        "risk_parity": _risk_parity,
    }
)

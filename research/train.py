"""LightGBM regression on a purged split; the same rows give the same model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infra.errors import TickhouseError
from research.errors import ResearchCode
from research.split import Split

if TYPE_CHECKING:
    import lightgbm

MIN_ROWS = 1_000

# Shallow, heavily regularised trees: the signal is weak and neighbouring rows share most of their label.
PARAMETERS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 500,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,   # part of the result: another number may round sums differently
    "verbosity": -1,
}
ROUNDS = 300
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Trained:
    """A booster cut at its best round, with what it took."""

    booster: lightgbm.Booster
    rounds: int
    importance: dict[str, float]   # gain by feature


def fit(
    features: NDArray[np.float32], label: NDArray[np.float64], names: tuple[str, ...], split: Split
) -> Trained:
    """The trained model; TRAINING_ROWS_TOO_FEW where a part of the split has fewer than MIN_ROWS rows."""
    import lightgbm as lgb

    for part in ("train", "validation", "test"):
        if len(rows := getattr(split, part)) < MIN_ROWS:
            raise TickhouseError(ResearchCode.TRAINING_ROWS_TOO_FEW, part=part, rows=len(rows), wanted=MIN_ROWS)
    train = lgb.Dataset(features[split.train], label[split.train], feature_name=list(names))
    validation = lgb.Dataset(features[split.validation], label[split.validation], reference=train)
    booster = lgb.train(
        PARAMETERS,
        train,
        num_boost_round=ROUNDS,
        valid_sets=[validation],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    # Reloaded at its best round: the exporter counts all trees of an early-stopped booster and fails.
    best = max(booster.best_iteration, 1)
    cut = lgb.Booster(model_str=booster.model_to_string(num_iteration=best))
    gain = cut.feature_importance("gain")
    return Trained(cut, best, {name: float(value) for name, value in zip(names, gain, strict=True)})

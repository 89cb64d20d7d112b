"""LightGBM regression on a purged split; the same rows give the same model."""

from __future__ import annotations

from collections.abc import Mapping
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
    "boost_from_average": False,   # the mean return of a few days is noise, not knowledge
    "learning_rate": 0.02,
    "num_leaves": 7,
    "min_data_in_leaf": 2_000,
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
    features: NDArray[np.float32],
    label: NDArray[np.float64],
    names: tuple[str, ...],
    split: Split,
    volatility: NDArray[np.float64] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Trained:
    """The trained model; TRAINING_ROWS_TOO_FEW where a part of the split has fewer than MIN_ROWS rows.

    With `volatility`, known when the row was, rows weigh 1 / volatility^2: least squares on returns in units of their
    own noise, so that wild hours do not drown calm ones.
    """
    import lightgbm as lgb

    for part in ("train", "validation", "test"):
        if len(rows := getattr(split, part)) < MIN_ROWS:
            raise TickhouseError(ResearchCode.TRAINING_ROWS_TOO_FEW, part=part, rows=len(rows), wanted=MIN_ROWS)
    weight = np.ones(len(label)) if volatility is None else _weight(volatility, split)
    train = lgb.Dataset(
        features[split.train], label[split.train], weight=weight[split.train], feature_name=list(names)
    )
    validation = lgb.Dataset(
        features[split.validation], label[split.validation], weight=weight[split.validation], reference=train
    )
    booster = lgb.train(
        {**PARAMETERS, **(parameters or {})},
        train,
        num_boost_round=ROUNDS,
        valid_sets=[validation],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    # Reloaded at its best round: the exporter counts all trees of an early-stopped booster and fails.
    best = max(booster.best_iteration, 1)
    cut = lgb.Booster(model_str=float32_thresholds(booster.model_to_string(num_iteration=best)))
    gain = cut.feature_importance("gain")
    return Trained(cut, best, {name: float(value) for name, value in zip(names, gain, strict=True)})


def float32_thresholds(model: str) -> str:
    """The model's text with each split threshold lowered to the next float32: the same answer for float32 features.

    ONNX keeps thresholds in float32. Rounded to the nearest, one that lies between two neighbouring values may become
    the upper of them and send it down the other branch; rounded down it cannot.
    """
    # `tree_sizes` counts bytes and would cut the changed trees in the middle; without it they are read in turn.
    lines = [line for line in model.split("\n") if not line.startswith("tree_sizes=")]
    return "\n".join(_floor_line(line) if line.startswith("threshold=") else line for line in lines)


def _floor_line(line: str) -> str:
    exact = np.array(line.removeprefix("threshold=").split(), dtype=np.float64)
    near = exact.astype(np.float32)
    floor = np.where(near.astype(np.float64) > exact, np.nextafter(near, np.float32(-np.inf)), near)
    return "threshold=" + " ".join(repr(float(value)) for value in floor)


def _weight(volatility: NDArray[np.float64], split: Split) -> NDArray[np.float64]:
    # The floor keeps rows before the volatility is warm (zero at first) from outweighing all others.
    floor = max(float(np.quantile(volatility[split.train], 0.05)), 1e-12)
    weight = 1.0 / np.maximum(volatility, floor) ** 2
    return np.asarray(weight / weight[split.train].mean())

"""ONNX: export of a LightGBM model, inference, and the proof that both say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from signals.models.predictor import MAX_ROWS, Predictor

if TYPE_CHECKING:
    import lightgbm

INPUT = "features"
# float32 sums of trees against float64 ones: a part of the spread of the predictions, not of their size.
TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the exported model is from the trained one on the same rows."""

    rows: int
    max_difference: float
    spread: float        # standard deviation of the trained model's predictions
    equal: bool


def export(booster: lightgbm.Booster, width: int) -> bytes:
    """The model as ONNX bytes: input `features` float32 [rows, width]."""
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    model = convert_lightgbm(booster, initial_types=[(INPUT, FloatTensorType([None, width]))], zipmap=False)
    return bytes(model.SerializeToString())


def predict(model: bytes, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predictions, one a row, by the very code that serves the model live."""
    predictor = Predictor(model, features.shape[1])
    rows = features.astype(np.float64)
    blocks = [predictor.predict(rows[start : start + MAX_ROWS]) for start in range(0, len(rows), MAX_ROWS)]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def parity(booster: lightgbm.Booster, model: bytes, features: NDArray[np.float32]) -> Parity:
    """The largest difference over `features`: equal if within TOLERANCE of the predictions' spread, row by row."""
    trained = np.asarray(booster.predict(features.astype(np.float64)), dtype=np.float64)
    exported = predict(model, features)
    difference = float(np.max(np.abs(trained - exported))) if len(trained) else 0.0
    spread = float(trained.std()) if len(trained) else 0.0
    allowed = max(TOLERANCE * spread, 1e-9)
    return Parity(len(trained), difference, spread, bool(len(trained)) and difference <= allowed)

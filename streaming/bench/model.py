"""A gradient-boosted model of 300 trees for measurements: trained on seeded noise, kept in the temporary folder."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np

from signals.features import registry
from streaming.start import ModelRef

TREES = 300
_VERSION = 1


def make() -> ModelRef:
    """The model's file, made the first time; needs LightGBM and its ONNX converter (extra `batch`) only then."""
    names = registry.get("flow").names
    path = Path(tempfile.gettempdir()) / f"tickhouse-bench-{TREES}x{len(names)}-v{_VERSION}.onnx"
    if not path.is_file():
        draft = path.with_suffix(".tmp")
        draft.write_bytes(_train(len(names)))
        draft.replace(path)
    return ModelRef("bench", _VERSION, str(path), hashlib.sha256(path.read_bytes()).hexdigest(), names, 1.0)


def _train(width: int) -> bytes:
    import lightgbm

    from research.onnx_model import export

    rng = np.random.default_rng(7)
    rows = rng.normal(size=(4000, width))
    target = rows[:, 0] * 0.1 + np.sin(rows[:, 1]) * rows[:, 2] + rng.normal(size=4000)
    parameters = {"num_leaves": 31, "learning_rate": 0.05, "verbose": -1, "num_threads": 1, "seed": 7}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, target), num_boost_round=TREES)
    return export(booster, width)

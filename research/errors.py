"""What can go wrong in research: labels, training, export and promotion."""

from __future__ import annotations

from infra.errors import ErrorCode


class ResearchCode(ErrorCode):
    """Codes of labels, training and models."""

    LABEL_ORDER = (
        "trades must come in the order of their time, after those already seen",
        "feed each instrument's trades sorted by (ts_event, trade id)",
    )
    TRAINING_ROWS_TOO_FEW = (
        "the purged split leaves too few rows to train and to judge",
        "materialise more days of features and labels",
    )
    ONNX_DIFFERS = (
        "the exported model does not predict what the trained one predicts",
        "keep to the objectives that the exporter supports and to features that are safe in float32",
    )

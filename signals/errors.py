"""Error codes of the signals room."""

from __future__ import annotations

from infra.errors import ErrorCode


class SignalCode(ErrorCode):
    """What can be wrong between events and targets."""

    STRATEGY_UNKNOWN = "no strategy has this name", "name one of those listed in [live] strategies"
    MODEL_SHAPE = "the model does not take these features or has no single output", "export it for the named features"
    MODEL_CHANGED = "the model's bytes are not those that were recorded", "restore the file with this SHA-256"

"""What can be wrong with a feature group."""

from __future__ import annotations

from infra.errors import ErrorCode


class FeatureCode(ErrorCode):
    """Codes of the features room."""

    FEATURE_GROUP_UNKNOWN = "no feature group has this name", "use one of the names given here"
    FEATURE_STATE_WRONG = (
        "a stored feature state does not have the size of this group's state",
        "it belongs to another version: recompute the group's history",
    )

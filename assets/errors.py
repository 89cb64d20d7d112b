"""What can go wrong when assets are materialised."""

from __future__ import annotations

from infra.errors import ErrorCode


class AssetCode(ErrorCode):
    """Codes of the batch side."""

    INGEST_INSTRUMENTS_MISSING = (
        "the venue's instruments of config/tickhouse.toml are not recorded yet",
        "materialise the venue's asset `instruments` first",
    )
    INGEST_INCOMPLETE = (
        "some days could not be had; all the others are published",
        "see each in `troubles` and in the log, remove the cause, then run the same range again for the rest",
    )
    INGEST_DISK_FULL = (
        "the disk has no room left, so the ingest stopped; what it had published before is whole",
        "free some room, then run the same range again for the rest",
    )
    FEATURE_STATE_MISSING = (
        "the state at the end of the day before is missing, and recursive features cannot start in the middle",
        "materialise the day named in `first` before, then the days after it in order",
    )
    TRAINING_DATA_MISSING = (
        "there are no rows that have both features and labels",
        "materialise features and labels of some days first",
    )
    MODEL_MISSING = "no trained model is registered under this name", "materialise the model's asset first"
